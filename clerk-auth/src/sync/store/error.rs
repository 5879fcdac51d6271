//! The errors of writing a row.

use sqlx::error::DatabaseError;

use crate::claim::UnreadableClaims;
use crate::row::SyncedRow;

/// The error of an application's hook, such as [`on_insert`](crate::sync::UserSyncBuilder::on_insert): any error, or a
/// text. The error is logged, and never part of a response.
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

/// The reason why a row could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The database failed.
    Database(sqlx::Error),
    /// A unique index refuses a value that another row has. [`Store::violated_index`] determines whether the index
    /// belongs to the struct's own table.
    UniqueViolation(Box<dyn DatabaseError>),
    /// The application's hook failed, and nothing was inserted.
    OnInsert(BoxError),
    /// The application's hook failed, and nothing was deleted.
    OnDelete(BoxError),
    /// The application's hook failed, and the delivery was rolled back.
    OnEvent(BoxError),
    /// The application's hook failed, and nothing was linked.
    OnLink(BoxError),
    /// The user was deleted, and nothing was written.
    UserDeleted,
    /// The row with the user's key belongs to this other user, or is marked as deleted. Nothing was written.
    LinkConflict(Option<String>),
    /// The row of the membership's user or organization does not exist. Nothing was written.
    ReferenceMissing,
    /// The column cannot hold the user's key, and the user has no row yet. Nothing was written.
    InvalidKey(UnreadableClaims),
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Converts the error of a statement that writes a row.
pub(super) fn unique_violation(error: sqlx::Error) -> WriteError {
    match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => WriteError::UniqueViolation(error),
        error => error.into(),
    }
}

/// Converts the error of a commit, at which a `DEFERRABLE INITIALLY DEFERRED` constraint is checked. A constraint of
/// another table was violated by a hook.
pub(crate) fn commit_error<U: SyncedRow>(error: sqlx::Error) -> WriteError {
    match error {
        sqlx::Error::Database(error)
            if error.is_unique_violation() && error.table() == U::TABLE.rsplit('.').next() =>
        {
            WriteError::UniqueViolation(error)
        }
        error => error.into(),
    }
}
