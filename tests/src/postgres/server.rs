//! The PostgreSQL server of this test process: that of `DATABASE_URL`, or else a temporary cluster.

use std::env;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::programs;
use crate::watcher::Watcher;

/// A server in which databases can be created.
pub(super) struct Server {
    pub(super) options: PgConnectOptions,
    /// The temporary cluster; `None` for the server of `DATABASE_URL`.
    pub(super) cluster: Option<Watcher>,
}

/// Returns the server, and starts it at the first call. The error is for the reader of a failed test.
pub(super) fn shared() -> Result<&'static Server, &'static str> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    SERVER
        .get_or_init(|| match env::var("DATABASE_URL") {
            Ok(url) if is_postgres(&url) => foreign(&url),
            _ => temporary(),
        })
        .as_ref()
        .map_err(String::as_str)
}

/// Returns whether a URL is PostgreSQL's. sqlx's own tools read `DATABASE_URL` too, so it may name an SQLite file.
fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn foreign(url: &str) -> Result<Server, String> {
    let options = PgConnectOptions::from_str(url).map_err(|error| format!("DATABASE_URL: {error}"))?;
    Ok(Server {
        options,
        cluster: None,
    })
}

fn temporary() -> Result<Server, String> {
    let started = start_cluster("")?;
    Ok(Server {
        options: started.options,
        cluster: Some(started.cluster),
    })
}

/// A running cluster.
pub(super) struct Started {
    pub(super) options: PgConnectOptions,
    pub(super) cluster: Watcher,
    /// The folder of the server programs.
    pub(super) programs: PathBuf,
}

/// Starts a cluster whose configuration ends with `settings`.
pub(super) fn start_cluster(settings: &str) -> Result<Started, String> {
    let programs = programs::chosen()?;
    let password = crate::random_hex(16);

    // PostgreSQL cannot choose its own port. The chosen port may be taken before the start, hence three attempts.
    let mut failure = String::new();
    for _ in 0..3 {
        let port = crate::free_port().map_err(|error| format!("no free port: {error}"))?;
        let mut shell = programs::command("sh")?;
        shell
            .env("BIN", &programs)
            .env("PORT", port.to_string())
            .env("PASSWORD", &password)
            .env("SETTINGS", settings);
        match Watcher::start(shell, include_str!("cluster.sh")) {
            Ok(cluster) => {
                let options = PgConnectOptions::new_without_pgpass()
                    .host("127.0.0.1")
                    .port(port)
                    .username("postgres")
                    .password(&password)
                    .database("postgres")
                    .ssl_mode(PgSslMode::Disable);
                return Ok(Started {
                    options,
                    cluster,
                    programs,
                });
            }
            Err(output) => failure = output,
        }
    }
    Err(format!(
        "the PostgreSQL of {} does not start:\n{failure}",
        programs.display()
    ))
}
