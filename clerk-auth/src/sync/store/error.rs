//! Why a row could not be written.

use sqlx::error::DatabaseError;

use super::hooks::BoxError;
use crate::user::SyncedUser;

/// Why a row could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The database failed.
    Database(sqlx::Error),
    /// A unique index holds one of the values for another row. Whether the index belongs to the struct's own table,
    /// [`Store::violated_index`] finds out.
    UniqueViolation(Box<dyn DatabaseError>),
    /// The application's hook failed, and nothing was inserted.
    OnInsert(BoxError),
    /// The application's hook failed, and nothing was deleted.
    OnDelete(BoxError),
    /// The application's hook failed, and nothing of the delivery was kept.
    OnEvent(BoxError),
    /// The user was deleted, and nothing was written.
    UserDeleted,
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// What a statement that writes a row failed with.
pub(super) fn unique_violation(error: sqlx::Error) -> WriteError {
    match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => WriteError::UniqueViolation(error),
        error => error.into(),
    }
}

/// What a transaction of writes failed with when it was committed. A constraint that is `DEFERRABLE INITIALLY DEFERRED`
/// refuses only then; one of another table is that of a hook.
pub(crate) fn commit_error<U: SyncedUser>(error: sqlx::Error) -> WriteError {
    match error {
        sqlx::Error::Database(error)
            if error.is_unique_violation() && error.table() == U::TABLE.rsplit('.').next() =>
        {
            WriteError::UniqueViolation(error)
        }
        error => error.into(),
    }
}
