//! Why there is no row for a verified session, and whose fault it is.

use std::sync::Arc;
use std::time::Duration;

use super::failure;
use super::failure::Failure;
use super::store::error::BoxError;
use super::store::error::WriteError;
use super::store::sqlstate;
use super::unwind::Panicked;
use crate::claim::UnreadableClaims;
use crate::user::SyncedUser;

/// Why there is no row for a verified session.
///
/// In a handler it becomes the [`Rejection`](crate::extract::Rejection) that the caller hears, and sync has logged it. Who
/// asks for a row elsewhere decides alone:
///
/// ```
/// use clerk_auth::sync::SyncError;
/// use clerk_auth::{Session, SyncedUser, UserSync};
///
/// /// The row behind a socket that stays open; `None` ends it.
/// async fn row<U: SyncedUser>(users: &UserSync<U>, session: &Session) -> Result<Option<U>, SyncError> {
///     match users.sync(session).await {
///         Ok(synced) => Ok(Some(synced.user)),
///         Err(SyncError::UserDeleted) => Ok(None),
///         Err(error) => Err(error),
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Clerk has deleted the user; the token has not expired yet.
    #[error("the user was deleted")]
    UserDeleted,
    /// The claims cannot be read into the struct. The token has not those of the template: it has not been pasted into
    /// Clerk's dashboard, or has been changed since the token was minted. Or a value is one that a field cannot hold.
    #[error("{0}")]
    Claims(#[from] UnreadableClaims),
    /// The session is of another Clerk instance than the rows are: the application's state mixes two of them.
    #[error("the session's issuer `{session}` is not `{rows}`, whose users the table holds")]
    OtherInstance {
        /// Who issued the session's token.
        session: Box<str>,
        /// Whose users the rows are.
        rows: Box<str>,
    },
    /// A unique index of the team's own holds the value for another user's row, and Clerk itself does not keep such values
    /// unique, or the column cannot be null. Nothing was changed. The columns, where they are known.
    #[error(
        "another user's row holds the value of {}; rows are never merged, so one of them has to change in Clerk",
        columns(.0)
    )]
    Conflict(Vec<&'static str>),
    /// What the application does when a row is inserted failed, and nothing was inserted.
    #[error("the application's `on_insert` failed: {0}")]
    OnInsert(#[source] BoxError),
    /// What the application does when Clerk sends something failed, and nothing of it was kept.
    #[error("the application's `on_event` failed: {0}")]
    OnEvent(#[source] BoxError),
    /// What the application does when a user is deleted failed, and nothing was deleted.
    #[error("the application's `on_delete` failed: {0}")]
    OnDelete(#[source] BoxError),
    /// The database did not answer within the sync timeout.
    #[error("the database did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The database answers, but did not do this within the sync timeout: another transaction holds a lock on the user's
    /// row, or a trigger is slow.
    #[error("the user's row was not to be had within {} ms, although the database answers", .0.as_millis())]
    Busy(Duration),
    /// The database has not answered for a while, and was not asked.
    #[error("the database has not been answering")]
    Unavailable,
    /// The application's code panicked: `Decode`, `Encode`, `FromClaim` or another trait of a field's type, or a hook.
    #[error("the application's code panicked")]
    Panicked,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[source] Arc<sqlx::Error>),
}

impl SyncError {
    /// What the error means, and so what follows from it.
    pub(crate) fn failure<U: SyncedUser>(&self) -> Failure {
        match self {
            Self::UserDeleted => Failure::UserDeleted,
            Self::Claims(claims) => failure::of_claims(claims, U::TEMPLATE),
            Self::OtherInstance { .. } => Failure::OtherInstance,
            Self::Conflict(_) => Failure::Conflict,
            Self::OnInsert(_) => Failure::OnInsert,
            Self::OnEvent(_) => Failure::OnEvent,
            Self::OnDelete(_) => Failure::OnDelete,
            Self::Timeout(_) => Failure::Timeout,
            Self::Busy(_) => Failure::Busy,
            Self::Unavailable => Failure::NotAsked,
            Self::Panicked => Failure::Panic,
            Self::Database(error) => sqlstate::kind(error).into(),
        }
    }
}

impl From<WriteError> for SyncError {
    /// Which index forbids a value, and whose it is, is not known here.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Database(error) => error.into(),
            WriteError::UniqueViolation(error) => sqlx::Error::Database(error).into(),
            WriteError::OnInsert(error) => Self::OnInsert(error),
            WriteError::OnDelete(error) => Self::OnDelete(error),
            WriteError::OnEvent(error) => Self::OnEvent(error),
            WriteError::UserDeleted => Self::UserDeleted,
        }
    }
}

impl From<Panicked> for SyncError {
    fn from(_: Panicked) -> Self {
        Self::Panicked
    }
}

impl From<sqlx::Error> for SyncError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

fn columns(columns: &[&str]) -> String {
    match columns {
        [] => "a unique index".to_owned(),
        columns => columns
            .iter()
            .map(|column| format!("`{column}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
