//! The errors of sync: the reasons why a verified session has no row, and which side is at fault.

use std::sync::Arc;
use std::time::Duration;

use super::failure;
use super::failure::Failure;
use super::store::error::BoxError;
use super::store::error::WriteError;
use super::store::sqlstate;
use super::unwind::Panicked;
use crate::claim::UnreadableClaims;
use crate::row::{RowKind, SyncedRow};

/// The reason why a verified session has no row.
///
/// Sync has already logged the error. In a handler, it becomes a [`Rejection`](crate::extract::Rejection). Elsewhere,
/// the caller decides:
///
/// ```
/// use clerk_auth::sync::SyncError;
/// use clerk_auth::{Session, SyncedUser, UserSync};
///
/// /// Returns the row for an open socket; `None` closes the socket.
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
    /// Clerk has deleted the organization; the token has not expired yet.
    #[error("the organization was deleted")]
    OrganizationDeleted,
    /// Clerk has ended the membership; the token has not expired yet.
    #[error("the membership has ended")]
    MembershipEnded,
    /// The row of the membership's user or organization does not exist yet. A delivery that fails for this reason is repeated.
    #[error("the row of the membership's user or organization does not exist yet")]
    ReferenceMissing,
    /// The claims cannot be read into the struct: a field cannot hold a value, or the token lacks claims. Claims are
    /// missing if the template was not pasted into Clerk's dashboard, or was changed after the token was minted.
    #[error(transparent)]
    Claims(#[from] UnreadableClaims),
    /// The session and the rows are of different Clerk instances: the application's state mixes two of them.
    #[error("the session's issuer `{session}` is not `{rows}`, whose users the table holds")]
    OtherInstance {
        /// The issuer of the session's token.
        session: Box<str>,
        /// The issuer whose users the table holds.
        rows: Box<str>,
    },
    /// An application's unique index refuses a value that another user's row has. Either Clerk itself does not keep
    /// such values unique, or the column cannot be null. Nothing was changed. Contains the columns, if known.
    #[error(
        "another user's row holds the value of {}; rows are never merged, so one of them has to change in Clerk",
        columns(.0)
    )]
    Conflict(Vec<&'static str>),
    /// The row with the user's key (`link` of the struct) belongs to another Clerk user, or is marked as deleted. A
    /// linked row is never linked again. Nothing was changed.
    #[error(
        "the row with the user's key is linked to another user or deleted, and is never taken over; correct the key of one \
         of the two users in Clerk"
    )]
    LinkConflict {
        /// The Clerk user id of the row; `None` for a row without one that is marked as deleted.
        holder: Option<Box<str>>,
    },
    /// The application's hook for a linked row failed, and nothing was linked.
    #[error("the application's `on_link` failed: {0}")]
    OnLink(BoxError),
    /// The application's hook for a new row failed, and nothing was inserted.
    #[error("the application's `on_insert` failed: {0}")]
    OnInsert(BoxError),
    /// The application's hook for an event failed, and the delivery was rolled back.
    #[error("the application's `on_event` failed: {0}")]
    OnEvent(BoxError),
    /// The application's hook for a deletion failed, and nothing was deleted.
    #[error("the application's `on_delete` failed: {0}")]
    OnDelete(BoxError),
    /// The database did not answer within the sync timeout.
    #[error("the database did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The database answers, but did not complete the work within the sync timeout. Another transaction holds a lock on
    /// the user's row, or a trigger is slow.
    #[error("the work on the user's row was not completed within {} ms, although the database answers", .0.as_millis())]
    Busy(Duration),
    /// The circuit breaker is open: the database has not answered for a while, and was not queried.
    #[error("the database has not been answering")]
    Unavailable,
    /// The application's code panicked: `Decode`, `Encode`, `FromClaim` or another trait of a field's type, or a hook.
    #[error("the application's code panicked")]
    Panicked,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(Arc<sqlx::Error>),
}

impl SyncError {
    /// Returns the error for the kind of row. The engine itself reports every deletion as that of a user.
    pub(crate) fn of<U: SyncedRow>(self) -> Self {
        match (self, U::KIND) {
            (Self::UserDeleted, RowKind::Organization) => Self::OrganizationDeleted,
            (Self::UserDeleted, RowKind::Membership) => Self::MembershipEnded,
            (error, _) => error,
        }
    }

    /// Returns whether the row of a membership's user or organization may be missing. It may have been removed since it
    /// was read.
    pub(crate) fn is_of_a_missing_reference(&self) -> bool {
        match self {
            Self::ReferenceMissing => true,
            Self::Database(error) => error
                .as_database_error()
                .is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation),
            _ => false,
        }
    }

    /// Returns the kind of the error, which determines the consequences.
    pub(crate) fn failure<U: SyncedRow>(&self) -> Failure {
        match self {
            Self::UserDeleted | Self::OrganizationDeleted | Self::MembershipEnded => Failure::UserDeleted,
            Self::ReferenceMissing => Failure::ReferenceMissing,
            Self::Claims(claims) => failure::of_claims(claims, U::TEMPLATE),
            Self::OtherInstance { .. } => Failure::OtherInstance,
            Self::Conflict(_) => Failure::Conflict,
            Self::LinkConflict { .. } => Failure::LinkConflict,
            Self::OnLink(_) => Failure::OnLink,
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
    /// The conflicting columns are not known here.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Database(error) => error.into(),
            WriteError::UniqueViolation(error) => sqlx::Error::Database(error).into(),
            WriteError::OnInsert(error) => Self::OnInsert(error),
            WriteError::OnLink(error) => Self::OnLink(error),
            WriteError::OnDelete(error) => Self::OnDelete(error),
            WriteError::OnEvent(error) => Self::OnEvent(error),
            WriteError::UserDeleted => Self::UserDeleted,
            WriteError::ReferenceMissing => Self::ReferenceMissing,
            WriteError::LinkConflict(holder) => Self::LinkConflict {
                holder: holder.map(String::into_boxed_str),
            },
            WriteError::InvalidKey(claims) => Self::Claims(claims),
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
