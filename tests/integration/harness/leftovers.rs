//! A test process leaves nothing behind, however it ends.
//!
//! Each test starts this binary again with itself as the only test; a variable determines how the second process ends.

use std::env;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};

use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::pooler::Pooler;
use clerk_auth_tests::{postgres, sqlite};
use sqlx::{Connection, PgConnection, SqliteConnection};

const ENDING: &str = "CLERK_AUTH_TESTS_ENDING";

#[tokio::test]
async fn killed_process_leaves_no_server() {
    if env::var_os(ENDING).is_some() {
        hold_databases().await;
        wait_to_be_killed();
    }
    let mut second = Second::start("killed_process_leaves_no_server", "kill", None);
    let held = second.held();
    assert!(held.cluster.is_dir() && held.files.is_dir(), "{held:?}");
    TcpStream::connect(held.server).expect("the server listens");

    second.process.kill().expect("a process of ours can be killed");
    second.wait_until_all_is_removed();
    held.assert_gone();
}

#[tokio::test]
async fn aborted_process_leaves_no_server() {
    if env::var_os(ENDING).is_some() {
        hold_databases().await;
        process::abort();
    }
    let mut second = Second::start("aborted_process_leaves_no_server", "abort", None);
    let held = second.held();
    second.wait_until_all_is_removed();
    held.assert_gone();
}

#[tokio::test]
async fn panicked_process_leaves_no_server() {
    if env::var_os(ENDING).is_some() {
        hold_databases().await;
        panic!("this panic is part of the test");
    }
    let mut second = Second::start("panicked_process_leaves_no_server", "panic", None);
    let held = second.held();
    second.wait_until_all_is_removed();
    held.assert_gone();
}

/// If `DATABASE_URL` names the server, no cluster is removed, so the databases must be.
#[tokio::test]
async fn process_on_a_borrowed_server_leaves_no_database() {
    if let Ok(ending) = env::var(ENDING) {
        let database = TestDatabase::postgres().await;
        assert_eq!(postgres::cluster_folder(), None);
        println!("{PREFIX}{}", database.url());
        assert_eq!(ending, "success", "this panic is part of the test");
        return;
    }
    let ours = TestDatabase::postgres().await;
    for ending in ["success", "panic"] {
        let mut second = Second::start(
            "process_on_a_borrowed_server_leaves_no_database",
            ending,
            Some(ours.url()),
        );
        let url = second.line();
        second.wait_until_all_is_removed();
        let left = PgConnection::connect(&url)
            .await
            .expect_err("the database is gone");
        assert!(
            left.to_string().contains("does not exist"),
            "after {ending}: {left}"
        );
    }
    PgConnection::connect(ours.url())
        .await
        .expect("the server is still there");
}

/// Distinguishes the output of the second process from the test runner's own output before it.
const PREFIX: &str = "second process: ";

async fn hold_databases() {
    let database = TestDatabase::postgres().await;
    let file = TestDatabase::sqlite();
    SqliteConnection::connect(&format!("{}?mode=rwc", file.url()))
        .await
        .expect("the file can be created");
    let cluster = postgres::cluster_folder().expect("DATABASE_URL was removed");
    let pooler = Pooler::in_front_of(&database, 1);
    println!(
        "{PREFIX}{}\t{}\t{}\t{}\t{}",
        cluster.display(),
        sqlite::folder().display(),
        database.server_address(),
        pooler.folder().display(),
        pooler.address(),
    );
    // Never dropped, because a destructor must not do the cleanup.
    std::mem::forget((database, file, pooler));
}

/// Waits, but ends with standard input, so that a failing first process leaves no second one.
fn wait_to_be_killed() -> ! {
    let _ = io::stdin().read_to_end(&mut Vec::new());
    process::exit(1);
}

struct Second {
    process: Child,
    output: BufReader<process::ChildStdout>,
}

/// The resources that the second process holds.
#[derive(Debug)]
struct Held {
    cluster: PathBuf,
    files: PathBuf,
    server: SocketAddr,
    pooler: PathBuf,
    pooler_address: SocketAddr,
}

impl Second {
    fn start(test: &str, ending: &str, database_url: Option<&str>) -> Self {
        let mut command = Command::new(env::current_exe().expect("the path of this binary"));
        command
            .args(["--exact", "--nocapture", &format!("harness::leftovers::{test}")])
            .env(ENDING, ending);
        match database_url {
            Some(url) => command.env("DATABASE_URL", url),
            None => command.env_remove("DATABASE_URL"),
        };
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this binary can be started again");
        let output = BufReader::new(process.stdout.take().expect("standard output is piped"));
        Self { process, output }
    }

    fn line(&mut self) -> String {
        let line = (&mut self.output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once(PREFIX)?.1.to_owned()));
        line.unwrap_or_else(|| {
            panic!(
                "the second process ended early: {}",
                self.wait_until_all_is_removed()
            )
        })
    }

    fn held(&mut self) -> Held {
        let line = self.line();
        let mut parts = line.split('\t');
        let mut next = || parts.next().expect("five parts");
        Held {
            cluster: next().into(),
            files: next().into(),
            server: next().parse().expect("an address"),
            pooler: next().into(),
            pooler_address: next().parse().expect("an address"),
        }
    }

    /// The watchers inherit standard error, so it ends when the last of them has. Returns what was written to it.
    fn wait_until_all_is_removed(&mut self) -> String {
        let mut text = String::new();
        let errors = self.process.stderr.as_mut().expect("standard error is piped");
        errors.read_to_string(&mut text).expect("standard error is text");
        self.process.wait().expect("a child can be waited for");
        text
    }
}

impl Held {
    fn assert_gone(&self) {
        assert!(!self.cluster.exists() && !self.files.exists(), "{self:?}");
        assert!(TcpStream::connect(self.server).is_err(), "{self:?}");
        assert!(!self.pooler.exists(), "{self:?}");
        assert!(TcpStream::connect(self.pooler_address).is_err(), "{self:?}");
    }
}
