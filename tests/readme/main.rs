//! Tests the README's commands and program in an empty folder, as a newcomer types them: builds, starts and calls the
//! program.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{env, fs};

/// The address in the README. The test takes a free port instead.
const ADDRESS: &str = "127.0.0.1:3000";

/// Checks in the scratch crate what the README states about its migration.
const MIGRATION_TEST: &str = r#"
#[test]
fn migration_is_the_generated_text() {
    let generated = User::migration_sql::<sqlx::Sqlite>();
    assert_eq!(include_str!("../migrations/0001_users.sql").trim_end(), generated.trim_end());
}
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in the workspace")
}

/// Returns the text of each fenced block of a language, in order.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut fence: Option<bool> = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(info), None) => {
                let matches_language = info.split(',').next() == Some(language);
                if matches_language {
                    blocks.push(String::new());
                }
                fence = Some(matches_language);
            }
            (Some(_), Some(_)) => fence = None,
            (None, Some(true)) => {
                let block = blocks.last_mut().expect("a block is open");
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// Returns the highest version of a package in the workspace's `Cargo.lock`, so that nothing is downloaded.
fn locked_version(lock: &str, name: &str) -> String {
    let version = |package: &str| -> Option<Vec<u64>> {
        let numbers = package.split_once("version = \"")?.1.split('"').next()?;
        numbers.split('.').map(|number| number.parse().ok()).collect()
    };
    let header = format!("name = \"{name}\"\n");
    let newest = lock
        .split("[[package]]\n")
        .filter(|package| package.starts_with(&header))
        .filter_map(version)
        .max();
    let newest = newest.unwrap_or_else(|| panic!("`{name}` is not in Cargo.lock"));
    newest.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// Points the README's `cargo add` at this repository's crate and at the locked versions.
fn pinned(commands: &str, lock: &str) -> String {
    let crate_folder = root().join("clerk-auth");
    let mut pinned = String::new();
    for line in commands.lines() {
        let line = match line.strip_prefix("cargo add ") {
            None => line.to_owned(),
            Some(rest) => {
                let (name, options) = rest.split_once(' ').unwrap_or((rest, ""));
                if name == "clerk-auth" {
                    format!("cargo add {name} {options} --path '{}'", crate_folder.display())
                } else {
                    format!("cargo add {name}@{} {options}", locked_version(lock, name))
                }
            }
        };
        pinned.push_str(&line);
        pinned.push('\n');
    }
    pinned
}

/// An empty folder, which the test deletes at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("clerk-auth-readme-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("the folder of temporary files can be written");
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A process that ends with the test, also if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A shell in a folder, without the network, with the compiled crates of this workspace.
fn shell(folder: &Path, script: &str) -> Command {
    let tests = env::current_exe().expect("the test has a path");
    // …/target/debug/deps/readme-…
    let target = tests.ancestors().nth(3).expect("a target folder");
    let mut command = Command::new("sh");
    command
        .args(["-ec", script])
        .current_dir(folder)
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .env("CARGO_CARGO_NEW_VCS", "none")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().contains("CLERK")) {
        command.env_remove(name);
    }
    command
}

#[track_caller]
fn succeed(mut command: Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("there is a shell");
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?} failed:\n{errors}");
    String::from_utf8_lossy(&stdout).into_owned()
}

#[test]
fn commands_and_program_answer_the_first_request() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    assert!(readme.lines().count() < 250, "the README is one read");
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("there is a Cargo.lock");
    let [commands, call] = &blocks(&readme, "sh")[..] else {
        panic!("the README has the commands of the crate, and those that call it");
    };
    let [program] = &blocks(&readme, "rust")[..] else {
        panic!("the README has one program");
    };
    let [migration] = &blocks(&readme, "sql")[..] else {
        panic!("the README has one migration");
    };

    let scratch = Scratch::new();
    succeed(shell(&scratch.0, &pinned(commands, &lock)));
    let folder = scratch.0.join("hello-clerk");
    // The port is free until the program takes it, because no other program requests this port.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port();
    let address = format!("127.0.0.1:{port}");
    let program = program.replace(ADDRESS, &address) + MIGRATION_TEST;
    fs::write(folder.join("src/main.rs"), program).expect("the crate has a folder of sources");
    fs::write(folder.join("migrations/0001_users.sql"), migration)
        .expect("the commands made a folder of migrations");
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file is copied");
    succeed(shell(&folder, "cargo test --quiet"));
    succeed(shell(&folder, "cargo build"));

    assert!(readme.contains("`cargo run -- --stand-in`"));
    let mut start = shell(&folder, "exec \"$CARGO_TARGET_DIR/debug/hello-clerk\" --stand-in");
    let mut running = Running(
        start
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts"),
    );
    let mut line = String::new();
    let mut output = BufReader::new(running.0.stdout.take().expect("a pipe"));
    // Log lines come before it: start-up prints the template for Clerk.
    while !line.starts_with("listening on ") {
        line.clear();
        let read = output.read_line(&mut line).expect("the program prints");
        assert_ne!(read, 0, "the program prints its address");
    }
    assert_eq!(line, format!("listening on http://{address}\n"));

    let answer = succeed(shell(&folder, &call.replace(ADDRESS, &address)));
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(r#""clerk_id":"user_ada""#), "{answer}");
    assert!(answer.contains(r#""first_name":"Ada""#), "{answer}");
    for (path, status) in [("me", "401"), ("report", "401"), ("healthz", "200")] {
        let call = format!("curl -s -o /dev/null -w '%{{http_code}}' http://{address}/{path}");
        assert_eq!(succeed(shell(&folder, &call)), status, "{path}");
    }
}
