//! PgBouncer in transaction mode, in front of a test's database, until the test process ends.

use std::env;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::database::TestDatabase;
use crate::postgres::programs;
use crate::watcher::Watcher;

/// The folder of Debian's package, which is not in the PATH of every user.
pub const PACKAGED: &str = "/usr/sbin";

/// The message of a test that needs PgBouncer and does not find it.
pub const MISSING: &str = "\
this test needs PgBouncer, and `pgbouncer` is neither in the PATH nor in /usr/sbin: install it with \
`apt-get install pgbouncer`, or let `tests/run` do that and run all tests";

/// A running PgBouncer, which ends on drop, or with the test process.
#[derive(Debug)]
pub struct Pooler {
    url: String,
    address: SocketAddr,
    process: Watcher,
}

impl Pooler {
    /// Starts a pooler with this many server connections, which the statements of all clients use in turn. So state
    /// that a client keeps in a session is missing at once.
    ///
    /// # Panics
    ///
    /// If PgBouncer is missing; the message explains how to install it.
    pub fn in_front_of(database: &TestDatabase, server_connections: u32) -> Self {
        Self::start(database, server_connections, "")
    }

    /// Like [`in_front_of`](Self::in_front_of), but keeps prepared statements. Returns `None` if the program is older
    /// than 1.22.
    ///
    /// # Panics
    ///
    /// If PgBouncer is missing; the message explains how to install it.
    pub fn that_keeps_statements(database: &TestDatabase, server_connections: u32) -> Option<Self> {
        let output = Command::new(program())
            .arg("--version")
            .output()
            .expect("it runs");
        let output = String::from_utf8_lossy(&output.stdout);
        let minor = output.strip_prefix("PgBouncer 1.")?.split('.').next()?;
        let minor: u32 = minor.parse().expect("a version");
        (minor >= 22).then(|| Self::start(database, server_connections, "max_prepared_statements = 200"))
    }

    fn start(database: &TestDatabase, server_connections: u32, setting: &str) -> Self {
        let program = program();
        let options: PgConnectOptions = database.url().parse().expect("the URL is right");
        let mut failure = String::new();
        for _ in 0..3 {
            let port = crate::free_port().expect("loopback has a free port");
            let mut shell = programs::command("sh").unwrap_or_else(|problem| panic!("{problem}"));
            shell.env("PGBOUNCER", &program).env(
                "CONFIGURATION",
                configuration(database, port, server_connections) + setting,
            );
            match Watcher::start(shell, include_str!("pooler.sh")) {
                Ok(process) => {
                    let options = options.host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
                    return Self {
                        url: options.to_url_lossy().into(),
                        address: (Ipv4Addr::LOCALHOST, port).into(),
                        process,
                    };
                }
                Err(output) => failure = output,
            }
        }
        panic!("{} does not start:\n{failure}", program.display());
    }

    /// Returns its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the temporary folder of its process.
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    /// Returns the database's URL through the pooler.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    find(&path, Path::new(PACKAGED)).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Finds the program: the first one in `path`, or else the one in `packaged`.
///
/// # Errors
///
/// [`MISSING`]
pub fn find(path: &OsStr, packaged: &Path) -> Result<PathBuf, &'static str> {
    env::split_paths(path)
        .chain([packaged.to_owned()])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
        .ok_or(MISSING)
}

fn configuration(database: &TestDatabase, port: u16, server_connections: u32) -> String {
    let server = database.server_address();
    let (user, password) = database.credentials();
    // A quote within a quoted value is doubled.
    let quote = |text: &str| format!("'{}'", text.replace('\'', "''"));
    format!(
        "\
[databases]
* = host={} port={} user={} password={}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
default_pool_size = {server_connections}
server_round_robin = 1
ignore_startup_parameters = extra_float_digits
",
        server.ip(),
        server.port(),
        quote(&user),
        quote(&password),
    )
}
