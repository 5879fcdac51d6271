//! Compares the live table with the expectations of a struct, before the first request.
//!
//! The catalogue shows all faults at once, so that each gets the SQL to fix it. Then the database plans each statement,
//! which covers more than any list of checks.

mod advice;
mod compare;
mod expected_column;
mod live;
mod plan;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod row_security;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;
mod table;

use std::fmt;

use sqlx::{Executor, Pool};

pub(crate) use self::live::Catalogue;
#[cfg(any(feature = "sqlite", feature = "backend-api"))]
pub(crate) use self::live::quote;
#[cfg(any(feature = "postgres", feature = "backend-api"))]
pub(crate) use self::live::quote_path;
pub(crate) use self::plan::Explain;
pub(crate) use self::table::OwnTable;
use crate::row::{StoredIn, SyncedRow};

/// A fault of the table: the struct's statements cannot run, or its rows cannot be read.
///
/// Displays both parts, for a log:
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # use clerk_auth::SyncedUser;
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # struct User { clerk_id: String }
/// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
/// let problems = clerk_auth::schema::diff::<User, _>(&pool).await?;
/// assert_eq!(problems[0].message, "there is no table `users`");
/// assert!(problems[0].fix.as_ref().is_some_and(|sql| sql.starts_with("CREATE TABLE \"users\"")));
/// assert!(problems[0].to_string().starts_with("there is no table `users`; fix it with\n  CREATE TABLE"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap() }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// The fault.
    pub message: String,
    /// The SQL that fixes the fault, if one statement does.
    pub fix: Option<String>,
}

/// The reason why the table cannot be used.
///
/// ```
/// use clerk_auth::schema::SchemaError;
///
/// /// Prints the fixes if the application does not start.
/// fn advice(error: &SchemaError) -> String {
///     match error {
///         SchemaError::Table { problems, .. } => {
///             let fixes: Vec<&str> = problems.iter().filter_map(|problem| problem.fix.as_deref()).collect();
///             format!("put this into a migration:\n{};", fixes.join(";\n"))
///         }
///         SchemaError::Unavailable { .. } => format!("start the database: {error}"),
///         other => other.to_string(),
///     }
/// }
/// ```
///
/// `Debug` prints the same text as `Display`, so that `main` can return the error and its SQL can be pasted.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The table does not match the struct.
    #[error("the table `{table}` cannot hold the rows of `{user}`:{}", Listed(.problems))]
    Table {
        /// The struct.
        user: &'static str,
        /// The table.
        table: &'static str,
        /// Every fault that was found.
        problems: Vec<Problem>,
    },
    /// A prepared statement was missing from its session.
    #[error(
        "the connection does not keep its server session: {error}; if it goes through a pooler in transaction mode, \
         call `transaction_pooling()` on the builder, or have the pooler keep prepared statements"
    )]
    Pooled {
        /// The struct.
        user: &'static str,
        /// The database's error.
        error: sqlx::Error,
    },
    /// The pool keeps prepared statements in spite of `transaction_pooling`; its connections would not find them again.
    #[error(
        "a pooler in transaction mode needs a pool that keeps no prepared statements: open it with \
         `PgConnectOptions::statement_cache_capacity(0)`, or add `statement-cache-capacity=0` to the URL"
    )]
    StatementCache,
    /// The database did not answer.
    #[error(
        "the table of `{user}` could not be read: {error}; is the database running, and is the URL right?"
    )]
    Unavailable {
        /// The struct.
        user: &'static str,
        /// The error of the comparison.
        error: sqlx::Error,
    },
}

impl fmt::Debug for SchemaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Compares the live table with the expectations of `U`. Returns an empty list if the table needs no change. Further
/// columns are not a problem if a row can be inserted without them.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// # #[derive(clerk_auth::SyncedUser)]
/// # #[synced_user(table = "users", database(postgres))]
/// # struct User { clerk_id: String }
/// async fn migration(pool: &sqlx::PgPool) -> Result<Vec<String>, clerk_auth::schema::SchemaError> {
///     let problems = clerk_auth::schema::diff::<User, _>(pool).await?;
///     Ok(problems.into_iter().filter_map(|problem| problem.fix).collect())
/// }
/// # }
/// ```
///
/// # Errors
///
/// [`SchemaError::Unavailable`] if the database does not answer.
#[expect(private_bounds, reason = "the databases are those of the features")]
pub async fn diff<U, DB>(pool: &Pool<DB>) -> Result<Vec<Problem>, SchemaError>
where
    DB: Catalogue + Explain,
    U: StoredIn<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut connection = pool.acquire().await.map_err(unavailable::<U>)?;
    let found = table::problems::<U, DB>(&mut connection, Vec::new()).await;
    found.map_err(unavailable::<U>)
}

/// Checks `U`'s table and sync's own tables. Fails with their problems.
pub(crate) async fn check<DB, U>(
    connection: &mut DB::Connection,
    own: Vec<OwnTable>,
) -> Result<(), SchemaError>
where
    DB: Catalogue + Explain,
    U: StoredIn<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let found = table::problems::<U, DB>(connection, own).await;
    let problems = found.map_err(unavailable::<U>)?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(SchemaError::Table {
        user: U::NAME,
        table: U::TABLE,
        problems,
    })
}

/// Wraps the error of a database that does not respond.
pub(crate) fn unavailable<U: SyncedRow>(error: sqlx::Error) -> SchemaError {
    let user = U::NAME;
    if is_lost_statement(&error) {
        SchemaError::Pooled { user, error }
    } else {
        SchemaError::Unavailable { user, error }
    }
}

/// Returns whether a session lacked a prepared statement, or had another under its name: the sign of a pooler that
/// passes sessions between its clients.
pub(crate) fn is_lost_statement(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        let code = error.code();
        code.is_some_and(|code| means_lost_statement(&code, error.message()))
    })
}

/// Returns whether a SQLSTATE and its message mean a [lost statement](is_lost_statement).
pub(crate) fn means_lost_statement(code: &str, message: &str) -> bool {
    match code {
        // `duplicate_prepared_statement` and `invalid_sql_statement_name`: after `DISCARD ALL`, or a pooler has changed
        // sessions.
        "42P05" | "26000" => true,
        // `protocol_violation`: the parameters of one statement reached another.
        "08P01" => message.starts_with("bind message supplies"),
        _ => false,
    }
}

struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.0 {
            write!(formatter, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.fix {
            Some(sql) => write!(formatter, "; fix it with\n  {};", sql.replace('\n', "\n  ")),
            None => Ok(()),
        }
    }
}
