//! A database of its own for each test.

use crate::{postgres, sqlite};

/// An empty database; it is gone at the end of the test run at the latest.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    file: Option<sqlite::TemporaryFile>,
}

impl TestDatabase {
    /// A new database on the run's PostgreSQL server.
    ///
    /// # Panics
    ///
    /// If there is no PostgreSQL: the message says how to install it.
    pub async fn postgres() -> Self {
        Self {
            url: postgres::create_database().await,
            file: None,
        }
    }

    /// A new SQLite file.
    pub fn sqlite() -> Self {
        let file = sqlite::TemporaryFile::new();
        Self {
            url: file.url(),
            file: Some(file),
        }
    }

    /// Where it is, for `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is an SQLite file.
    pub fn is_sqlite(&self) -> bool {
        self.file.is_some()
    }
}
