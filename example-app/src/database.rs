//! Opens the database of the application: PostgreSQL or SQLite, by the scheme of `DATABASE_URL`.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io, path};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::repository::Repository;

/// The timeout of the database's first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// The application's database: its queries, over a pool of either kind.
pub type Database = Arc<dyn Repository>;

/// The reason why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL names neither database.
    #[error("DATABASE_URL has an unknown scheme; use `sqlite:app.sqlite` or `postgres://user@host/name`")]
    UnknownScheme,
    /// `DATABASE_URL` has a known scheme, but cannot be parsed.
    #[error("DATABASE_URL is not valid: {0}")]
    Url(#[source] sqlx::Error),
    /// The file cannot be opened or written.
    #[error(
        "cannot open the {location}: {problem}; make the folder and the file writable, or set DATABASE_URL to another \
         place: `sqlite:/path/to/app.sqlite`"
    )]
    File {
        /// The file.
        location: Location,
        /// Why not.
        #[source]
        problem: sqlx::Error,
    },
    /// The server does not answer, or refuses.
    #[error("cannot connect to the {location}: {problem}; start the server, or correct DATABASE_URL")]
    Server {
        /// The database.
        location: Location,
        /// Why not.
        #[source]
        problem: sqlx::Error,
    },
    /// The migrations cannot be applied.
    #[error("cannot apply the migrations to the {location}: {problem}")]
    Migrate {
        /// The database.
        location: Location,
        /// Why not.
        #[source]
        problem: MigrateError,
    },
    /// A statement of the start failed.
    #[error("cannot read the {location}: {problem}")]
    Statement {
        /// The database.
        location: Location,
        /// Why not.
        #[source]
        problem: sqlx::Error,
    },
}

/// The location of a database, without its password.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location(String);

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Location {
    fn of_file(options: &SqliteConnectOptions) -> Self {
        let file = options.get_filename();
        if file.to_string_lossy().starts_with("file:sqlx-in-memory") {
            return Self("SQLite database in memory".to_owned());
        }
        let file = path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Self(format!("database file {}", file.display()))
    }

    fn of_server(options: &PgConnectOptions) -> Self {
        let name = options.get_database().unwrap_or(options.get_username());
        Self(format!(
            "PostgreSQL database `{name}` at {}:{}",
            options.get_host(),
            options.get_port()
        ))
    }

    /// Parses the location in a database URL.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if the URL is not a database URL.
    pub fn of_url(url: &str) -> Result<Self, DatabaseError> {
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url).map_err(DatabaseError::Url)?;
            Ok(Self::of_file(&options))
        } else if is_postgres(url) {
            let options = PgConnectOptions::from_str(url).map_err(DatabaseError::Url)?;
            Ok(Self::of_server(&options))
        } else {
            Err(DatabaseError::UnknownScheme)
        }
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// Opens the database of a URL, and applies the migrations.
///
/// # Errors
///
/// [`DatabaseError`] if the URL is of another database, or the database does not answer.
pub async fn open(url: &str) -> Result<Database, DatabaseError> {
    Ok(if is_postgres(url) {
        Arc::new(open_postgres(url).await?)
    } else {
        Arc::new(open_sqlite(url).await?)
    })
}

/// Connects to a PostgreSQL server, and applies the migrations.
///
/// # Errors
///
/// [`DatabaseError`] if the URL is of another database, or the server does not answer.
pub async fn open_postgres(url: &str) -> Result<PgPool, DatabaseError> {
    let location = Location::of_url(url)?;
    let options = PgConnectOptions::from_str(url).map_err(DatabaseError::Url)?;
    let pool = connect(options).await.map_err(|problem| DatabaseError::Server {
        location: location.clone(),
        problem,
    })?;
    static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");
    let migrated = MIGRATIONS.run(&pool).await;
    migrated.map_err(|problem| DatabaseError::Migrate { location, problem })?;
    Ok(pool)
}

/// Opens an SQLite file, or creates it, and applies the migrations.
///
/// # Errors
///
/// [`DatabaseError`] if the URL is of another database, or the file cannot be opened.
pub async fn open_sqlite(url: &str) -> Result<SqlitePool, DatabaseError> {
    let location = Location::of_url(url)?;
    let options = SqliteConnectOptions::from_str(url)
        .map_err(DatabaseError::Url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new().connect_with(options).await;
    let pool = pool.map_err(|problem| DatabaseError::File {
        location: location.clone(),
        problem,
    })?;
    static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
    let migrated = MIGRATIONS.run(&pool).await;
    migrated.map_err(|problem| DatabaseError::Migrate { location, problem })?;
    Ok(pool)
}

async fn connect(options: PgConnectOptions) -> sqlx::Result<PgPool> {
    first_answer(&options).await?;
    PgPoolOptions::new().connect_with(options).await
}

/// Connects once, to report immediately why a database is unreachable. A pool would retry for half a minute, and then
/// omit the reason.
async fn first_answer(options: &PgConnectOptions) -> sqlx::Result<()> {
    let answered = tokio::time::timeout(FIRST_ANSWER, options.connect()).await;
    let connection: PgConnection =
        answered.map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??;
    connection.close().await
}
