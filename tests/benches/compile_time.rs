//! Measures the compile time of the macros, next to serde's derive and axum's `debug_handler`, in turns in one run.
//!
//! `cargo bench --profile dev -p clerk-auth-tests --bench compile_time`

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const STRUCTS: usize = 200;
const HANDLERS: usize = 500;
const ROUNDS: usize = 5;

fn main() {
    let clean = clean_build();
    println!("clean build of clerk-auth-macros with its dependencies: {clean:.1?}");
    let crates = [
        ("plain", "", "", 0),
        ("serde::Deserialize", "#[derive(serde::Deserialize)]", "", STRUCTS),
        ("SyncedUser", SYNCED_USER, "", STRUCTS),
        (
            "axum::debug_handler",
            SYNCED_USER,
            "#[axum::debug_handler(state = State)]",
            HANDLERS,
        ),
        (
            "authenticated",
            SYNCED_USER,
            "#[clerk_auth::authenticated(state = State)]",
            HANDLERS,
        ),
    ];
    let crates = crates.map(|(name, derive, attribute, items)| (name, generate(derive, attribute), items));
    for (name, source, _) in &crates {
        check(&package(name, source));
    }
    let mut fastest = [Duration::MAX; 5];
    for _ in 0..ROUNDS {
        for (time, (name, source, _)) in fastest.iter_mut().zip(&crates) {
            let package = package(name, source);
            let start = Instant::now();
            check(&package);
            *time = start.elapsed().min(*time);
        }
    }
    // The handlers take users, so their base contains the users too.
    let bases = [0, 0, 0, 2, 2];
    for ((time, base), (name, _, items)) in fastest.iter().zip(bases).zip(&crates) {
        let extra = time.saturating_sub(fastest[base]);
        let each = extra
            .checked_div(u32::try_from(*items).expect("a count"))
            .unwrap_or_default();
        println!("{name:<20} {time:>8.2?}, {each:>8.0?} for each of {items}");
    }
}

const SYNCED_USER: &str =
    "#[derive(clerk_auth::SyncedUser)] #[synced_user(table = \"users\", database(postgres))]";

const STATE: &str = "#[derive(Clone, axum::extract::FromRef)]
pub struct State { clerk: clerk_auth::Clerk, users: clerk_auth::UserSync<User0> }
";

fn generate(derive: &str, attribute: &str) -> String {
    let columns = derive == SYNCED_USER;
    let (generated, app) = if columns {
        ("#[column(generated)]", "#[column(app)]")
    } else {
        ("", "")
    };
    let mut source = String::from("#![allow(dead_code)]\n");
    for number in 0..STRUCTS {
        writeln!(
            source,
            "{derive}\npub struct User{number} {{ {generated} id: i64, clerk_id: String, email: Option<String>, \
             first_name: Option<String>, last_name: Option<String>, image_url: String, {app} credits: i64 }}"
        )
        .expect("a string takes it");
    }
    if columns {
        source.push_str(STATE);
    }
    for number in 0..HANDLERS {
        let parameter = if columns { "_user: User0" } else { "" };
        writeln!(
            source,
            "{attribute}\npub async fn handler{number}({parameter}) -> &'static str {{ \"\" }}"
        )
        .expect("a string takes it");
    }
    source
}

/// Returns the workspace's target folder; the program is in `debug/deps`.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("the program has a path");
    let target = program.ancestors().nth(3).expect("the target folder");
    target.join("tmp/compile-time")
}

fn package(name: &str, source: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = tests.parent().expect("the workspace");
    let folder = target().join(name.replace("::", "-"));
    fs::create_dir_all(folder.join("src")).expect("the folder can be made");
    let manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         clerk-auth = {{ path = {:?}, default-features = false, features = [\"postgres\"] }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         axum = {{ version = \"0.8\", default-features = false, features = [\"macros\"] }}\n",
        name.replace("::", "-").to_lowercase(),
        workspace.join("clerk-auth"),
    );
    let path = folder.join("Cargo.toml");
    if fs::read_to_string(&path).ok().as_ref() != Some(&manifest) {
        fs::write(path, manifest).expect("it can be written");
        fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).expect("it can be copied");
    }
    fs::write(folder.join("src/lib.rs"), source).expect("it can be written");
    folder
}

fn check(folder: &Path) {
    cargo(folder, "check", &target().join("target"), &[]);
}

fn clean_build() -> Duration {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let target = target().join("clean");
    drop(fs::remove_dir_all(&target));
    let start = Instant::now();
    cargo(workspace, "build", &target, &["--package", "clerk-auth-macros"]);
    start.elapsed()
}

fn cargo(folder: &Path, command: &str, target: &Path, arguments: &[&str]) {
    let status = Command::new(env!("CARGO"))
        .args([command, "--offline", "--quiet"])
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_INCREMENTAL", "0")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{} does not compile", folder.display());
}
