//! A separate PostgreSQL cluster for one test, which the test may stop, kill and start.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::{programs, server};
use crate::watcher::Watcher;

/// The time that a server may take to start or to stop.
const DEADLINE: Duration = Duration::from_secs(60);

/// A cluster that is removed on drop, or with the test process.
#[derive(Debug)]
pub struct PrivateServer {
    options: PgConnectOptions,
    cluster: Watcher,
    programs: PathBuf,
}

/// The ways in which a server ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// Transactions are rolled back and connections closed: a planned restart.
    Fast,
    /// Without a checkpoint, so that the next start recovers: `pg_ctl stop -m immediate`.
    Immediate,
    /// SIGKILL of the postmaster, like by the out-of-memory killer.
    Kill,
}

impl PrivateServer {
    /// Starts a cluster. `settings` are lines of its configuration.
    ///
    /// # Panics
    ///
    /// If there is no PostgreSQL, with what to install.
    pub async fn start(settings: &'static str) -> Self {
        let started = blocking(move || server::start_cluster(settings)).await;
        let started = started.unwrap_or_else(|problem| panic!("{problem}"));
        Self {
            options: started.options,
            cluster: started.cluster,
            programs: started.programs,
        }
    }

    /// Returns its URL, for `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.options.to_url_lossy().into()
    }

    /// Ends the server. Returns once its port refuses connections.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub async fn end(&self, end: End) {
        match end {
            End::Fast => self.control(&["stop", "-w", "-m", "fast"]).await,
            End::Immediate => self.control(&["stop", "-w", "-m", "immediate"]).await,
            End::Kill => {
                let file = self.cluster.folder().join("data/postmaster.pid");
                blocking(move || {
                    let text =
                        fs::read_to_string(file).expect("a running server has a file with its process id");
                    let pid = text.lines().next().expect("its first line is the id").to_owned();
                    let killed = Command::new("kill").args(["-KILL", &pid]).status();
                    assert!(killed.expect("kill runs").success(), "{pid}");
                })
                .await;
            }
        }
    }

    /// Starts the server again, on the same port.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn restart(&self) {
        self.control(&["start", "-w"]).await;
    }

    /// Starts the server again as a read-only standby without a primary server.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn restart_as_standby(&self) {
        self.end(End::Fast).await;
        let file = self.cluster.folder().join("data/standby.signal");
        blocking(move || fs::write(file, "").expect("the folder of the data can be written")).await;
        self.restart().await;
    }

    /// Runs `pg_ctl`, and retries: after a kill, the server refuses to start until its old backends have ended.
    async fn control(&self, arguments: &'static [&'static str]) {
        let (folder, pg_ctl) = (self.cluster.folder().to_owned(), self.programs.join("pg_ctl"));
        blocking(move || {
            let deadline = Instant::now() + DEADLINE;
            loop {
                let mut command = programs::command(&pg_ctl).unwrap_or_else(|problem| panic!("{problem}"));
                let done = command
                    .args(arguments)
                    .arg("-D")
                    .arg(folder.join("data"))
                    .arg("-l")
                    .arg(folder.join("log"))
                    .current_dir("/")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
                if done.expect("pg_ctl runs").success() {
                    return;
                }
                assert!(
                    Instant::now() < deadline,
                    "pg_ctl {arguments:?} fails:\n{}",
                    fs::read_to_string(folder.join("log")).unwrap_or_default()
                );
                thread::sleep(Duration::from_millis(20));
            }
        })
        .await;
    }
}

/// Runs work that waits for processes, without blocking the load of a test.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("it does not panic")
}
