//! What the application does in the transactions of the store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::Database;

use crate::webhook::Webhook;

/// What an application's own code failed with, in a hook such as
/// [`on_insert`](crate::sync::UserSyncBuilder::on_insert): any error, or a text. It goes to the log, never into a response.
///
/// ```
/// use clerk_auth::sync::BoxError;
///
/// fn checked(email: Option<&str>) -> Result<&str, BoxError> {
///     email.ok_or("a cart needs an e-mail address".into())
/// }
/// # assert!(checked(None).is_err());
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) type StoreFuture<'a, T, E = sqlx::Error> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// What the application does in the transaction that inserts or deletes a row.
pub(crate) type Hook<U, DB> = Arc<
    dyn for<'a> Fn(&'a mut <DB as Database>::Connection, &'a U) -> StoreFuture<'a, (), BoxError>
        + Send
        + Sync,
>;

pub(crate) type EventHook<DB> = dyn for<'a> Fn(&'a mut <DB as Database>::Connection, &'a Webhook) -> StoreFuture<'a, (), BoxError>
    + Send
    + Sync;

/// What the application does in the transaction that applies a delivery.
pub(crate) struct OnEvent<DB: Database> {
    pub(crate) hook: Arc<EventHook<DB>>,
    /// Not again for a delivery that comes again.
    pub(crate) once: bool,
}
