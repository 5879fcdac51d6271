//! New PostgreSQL databases, in a temporary cluster that ends with the test process.

pub mod private;
pub mod programs;

mod server;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::thread;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use crate::watcher::Watcher;

/// An empty database for one test, dropped with the value.
#[derive(Debug)]
pub(crate) struct PostgresDatabase {
    name: String,
    server: PgConnectOptions,
}

/// Creates an empty database.
///
/// # Panics
///
/// If PostgreSQL is missing; the message explains how to install it.
pub(crate) async fn create_database() -> PostgresDatabase {
    let server = &server::shared()
        .unwrap_or_else(|problem| panic!("{problem}"))
        .options;
    let name = crate::unique_name();
    execute(server, format!("CREATE DATABASE {name}"))
        .await
        .expect("a database can be created");
    PostgresDatabase {
        name,
        server: server.clone(),
    }
}

/// Returns the folder of this process's temporary cluster; `None` if `DATABASE_URL` names the server.
///
/// # Panics
///
/// If PostgreSQL is missing; the message explains how to install it.
pub fn cluster_folder() -> Option<&'static Path> {
    let server = server::shared().unwrap_or_else(|problem| panic!("{problem}"));
    server.cluster.as_ref().map(Watcher::folder)
}

impl PostgresDatabase {
    /// Returns the database's URL, with its user and password.
    pub(crate) fn url(&self) -> String {
        self.options().to_url_lossy().into()
    }

    /// Returns the server's address, for a [`Proxy`](crate::proxy::Proxy).
    ///
    /// # Panics
    ///
    /// If `DATABASE_URL` names a server that does not listen on TCP.
    pub(crate) fn server_address(&self) -> SocketAddr {
        assert!(
            self.server.get_socket().is_none(),
            "a proxy needs a DATABASE_URL with a TCP port"
        );
        (self.server.get_host(), self.server.get_port())
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .expect("the host of DATABASE_URL has an address")
    }

    /// Returns the database's URL through a proxy at `address`.
    pub(crate) fn url_through(&self, address: SocketAddr) -> String {
        let options = self
            .options()
            .host(&address.ip().to_string())
            .port(address.port());
        options.to_url_lossy().into()
    }

    /// Returns the server's user and password. sqlx reveals the password only in the URL.
    pub(crate) fn credentials(&self) -> (String, String) {
        let url = self.options().to_url_lossy();
        let decode = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
            decoded.expect("it was text").into_owned()
        };
        (decode(url.username()), decode(url.password().unwrap_or_default()))
    }

    fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A destructor cannot await, and the runtime of the test may be ending.
        let dropped = thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map(|runtime| runtime.block_on(execute(&server, statement)))
        });
        // A temporary cluster is removed as a whole. Waiting would block the test's runtime, and the server waits for
        // connections that the runtime has begun to open.
        if cluster_folder().is_none() {
            // A panic here would hide that of the test.
            let _ = dropped.join();
        }
    }
}

/// Runs a statement in the server's own database. Statements only contain names from
/// [`unique_name`](crate::unique_name).
async fn execute(server: &PgConnectOptions, statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect_with(server).await?;
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}
