//! The database of the application: PostgreSQL or SQLite, by the scheme of `DATABASE_URL`.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use clerk_auth::schema::SchemaError;
use clerk_auth::{Clerk, UserSync};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::user::User;

/// How long a database may take to answer when the application starts.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// A pool of either database.
#[derive(Clone, Debug)]
pub enum Database {
    /// PostgreSQL.
    Postgres(PgPool),
    /// SQLite, in a file.
    Sqlite(SqlitePool),
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL names neither database.
    #[error("DATABASE_URL has an unknown scheme; use `sqlite:app.sqlite` or `postgres://user@host/name`")]
    UnknownScheme,
    /// The database cannot be opened.
    #[error("the database of DATABASE_URL cannot be opened: {0}")]
    Connect(#[from] sqlx::Error),
    /// The migrations cannot be applied.
    #[error("the migrations cannot be applied: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Database {
    /// Opens the database (an SQLite file is created) and applies the migrations.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if the URL is of another database, or the database does not answer.
    pub async fn open(url: &str) -> Result<Self, DatabaseError> {
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal);
            let pool = SqlitePoolOptions::new().connect_with(options).await?;
            sqlx::migrate!("migrations/sqlite").run(&pool).await?;
            Ok(Self::Sqlite(pool))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(url)?;
            first_answer(&options).await?;
            let pool = PgPoolOptions::new().connect_with(options).await?;
            sqlx::migrate!("migrations/postgres").run(&pool).await?;
            Ok(Self::Postgres(pool))
        } else {
            Err(DatabaseError::UnknownScheme)
        }
    }

    /// The users in this database, kept equal to Clerk's.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the table does not fit.
    pub async fn users(&self, clerk: Clerk) -> Result<UserSync<User>, SchemaError> {
        match self.clone() {
            Self::Postgres(pool) => UserSync::new(clerk, pool).await,
            Self::Sqlite(pool) => UserSync::new(clerk, pool).await,
        }
    }

    /// Every user, in the order of their ids.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn all_users(&self) -> sqlx::Result<Vec<User>> {
        const SQL: &str = "SELECT id, clerk_id, email, first_name, last_name, image_url, credits FROM users \
                           WHERE clerk_deleted_at IS NULL ORDER BY id";
        match self {
            Self::Postgres(pool) => sqlx::query_as(SQL).fetch_all(pool).await,
            Self::Sqlite(pool) => sqlx::query_as(SQL).fetch_all(pool).await,
        }
    }
}

/// Tells at once why a database cannot be reached; a pool tries for half a minute, and then does not say.
async fn first_answer(options: &PgConnectOptions) -> sqlx::Result<()> {
    let answered = tokio::time::timeout(FIRST_ANSWER, options.connect()).await;
    let connection: PgConnection =
        answered.map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??;
    connection.close().await
}
