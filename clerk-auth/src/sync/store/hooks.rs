//! The application's hooks in the transactions of the store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::Database;

use super::error::{BoxError, WriteError};
use super::queries::Queries;
use crate::sync::unwind::{Panicked, caught};
use crate::webhook::Webhook;

pub(crate) type StoreFuture<'a, T, E = sqlx::Error> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Code of the application that runs in a transaction of the store.
pub(crate) type HookFn<DB, T> = dyn for<'a> Fn(&'a mut <DB as Database>::Connection, &'a T) -> StoreFuture<'a, (), BoxError>
    + Send
    + Sync;

/// The hook of an insertion or a deletion.
pub(crate) type Hook<U, DB> = Arc<HookFn<DB, U>>;

pub(crate) type EventHook<DB> = HookFn<DB, Webhook>;

/// The application's hook in the transaction that applies a delivery.
pub(crate) struct OnEvent<DB: Database> {
    pub(crate) hook: Arc<EventHook<DB>>,
    /// True if the hook runs only once for a repeated delivery.
    pub(crate) once: bool,
}

/// All hooks of the application.
pub(crate) struct Hooks<U, DB: Database> {
    pub(crate) on_insert: Option<Hook<U, DB>>,
    pub(crate) on_link: Option<Hook<U, DB>>,
    pub(crate) on_delete: Option<Hook<U, DB>>,
    pub(crate) on_event: Option<OnEvent<DB>>,
}

impl<U, DB: Database> Default for Hooks<U, DB> {
    fn default() -> Self {
        Self {
            on_insert: None,
            on_link: None,
            on_delete: None,
            on_event: None,
        }
    }
}

/// A hook returned no error, but left a transaction that cannot be committed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the hook left the transaction unusable: it kept back the error of a statement, or ended the transaction; return \
     the error, or run a statement that may fail in a transaction of its own, `connection.begin()`: {0}"
)]
struct Unusable(sqlx::Error);

/// Runs a hook behind a savepoint. `failed` converts its error.
///
/// If a statement of a transaction has failed, PostgreSQL answers COMMIT with a rollback, but without an error. The
/// savepoint cannot be released then, or after a hook has ended the transaction. So a rolled-back row is never reported
/// as written.
///
/// sqlx counts the transactions of a connection, and does not notice a statement that ends one. The savepoint is
/// therefore not one of sqlx's. If the hook has ended the transaction, even by a panic, an empty transaction replaces
/// it for the caller to roll back. SQLite refuses to roll back an ended transaction, and sqlx would count it forever.
pub(super) async fn run_hook<DB: Queries, T>(
    connection: &mut DB::Connection,
    failed: fn(BoxError) -> WriteError,
    hook: &HookFn<DB, T>,
    argument: &T,
) -> Result<(), WriteError> {
    DB::command(connection, "SAVEPOINT clerk_auth_hook").await?;
    let done = caught(async { hook(&mut *connection, argument).await }).await;
    let end = match done {
        Ok(Ok(())) => "RELEASE SAVEPOINT clerk_auth_hook",
        Ok(Err(_)) | Err(Panicked) => "ROLLBACK TO SAVEPOINT clerk_auth_hook",
    };
    let ended = DB::command(&mut *connection, end).await;
    if let Err(sqlx::Error::Database(_)) = &ended {
        // A failure appears at the next use of the connection.
        drop(DB::command(&mut *connection, "ROLLBACK").await);
        drop(DB::command(connection, "BEGIN").await);
    }
    done.unwrap_or_else(|panicked| panicked.resume())
        .map_err(failed)?;
    ended.map_err(|error| match error {
        sqlx::Error::Database(_) => failed(Unusable(error).into()),
        error => error.into(),
    })
}
