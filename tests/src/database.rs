//! Creates a separate database for each test.

use std::net::SocketAddr;

use crate::postgres::{self, PostgresDatabase};
use crate::sqlite;

/// An empty database, removed when the test process ends in any way.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    postgres: Option<PostgresDatabase>,
}

impl TestDatabase {
    /// Creates a database on the run's PostgreSQL server, dropped with the value.
    ///
    /// # Panics
    ///
    /// If there is no PostgreSQL: the message explains how to install it.
    pub async fn postgres() -> Self {
        let database = postgres::create_database().await;
        Self {
            url: database.url(),
            postgres: Some(database),
        }
    }

    /// Returns the URL of a new SQLite file, which the program under test has to create.
    ///
    /// # Panics
    ///
    /// If there is no place for temporary files.
    pub fn sqlite() -> Self {
        Self {
            url: sqlite::new_url(),
            postgres: None,
        }
    }

    /// Creates another empty database of the same kind.
    ///
    /// # Panics
    ///
    /// Like [`postgres`](Self::postgres) and [`sqlite`](Self::sqlite).
    pub async fn another(&self) -> Self {
        if self.is_sqlite() {
            Self::sqlite()
        } else {
            Self::postgres().await
        }
    }

    /// Returns the database's URL, for `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns whether the database is an SQLite file.
    pub fn is_sqlite(&self) -> bool {
        self.postgres.is_none()
    }

    /// Returns the address of its PostgreSQL server, for a [`Proxy`](crate::proxy::Proxy).
    ///
    /// # Panics
    ///
    /// If it is an SQLite file, or `DATABASE_URL` names a server that does not listen on TCP.
    pub fn server_address(&self) -> SocketAddr {
        self.on_postgres().server_address()
    }

    /// Returns the database's URL through a proxy at this address.
    ///
    /// # Panics
    ///
    /// If it is an SQLite file.
    pub fn url_through(&self, proxy: SocketAddr) -> String {
        self.on_postgres().url_through(proxy)
    }

    /// Returns the user and the password of its PostgreSQL server, for a pooler.
    pub(crate) fn credentials(&self) -> (String, String) {
        self.on_postgres().credentials()
    }

    fn on_postgres(&self) -> &PostgresDatabase {
        self.postgres.as_ref().expect("an SQLite file has no server")
    }
}
