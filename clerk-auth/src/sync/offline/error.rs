//! The errors of background work on all of Clerk's users, organizations or memberships.

use crate::backend_api::BackendApiError;
use crate::clerk::AuthenticationError;
use crate::sync::error::SyncError;

/// The reason why an import or a verification has ended early.
///
/// ```
/// use clerk_auth::backend_api::BackendApiError;
/// use clerk_auth::sync::ImportError;
///
/// /// Returns whether to start the import again, from the stored cursor.
/// fn may_pass(error: &ImportError) -> bool {
///     match error {
///         ImportError::OtherInstance { .. } => false,                     // the secret key is of another instance
///         ImportError::Clerk(BackendApiError::Unauthorized(_)) => false, // the secret key was revoked
///         _ => true,
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The secret key belongs to another Clerk instance than the rows: a mistake in the configuration. Nothing was
    /// written.
    #[error(
        "the secret key belongs to another Clerk instance; use the key of `{rows}`, whose users are in this table"
    )]
    OtherInstance {
        /// The issuer whose users the rows are.
        rows: Box<str>,
    },
    /// The secret key's instance could not be determined. Nothing was written.
    #[error("could not determine whether the secret key belongs to the rows' Clerk instance: {0}")]
    Instance(AuthenticationError),
    /// The cursor belongs to an import of another kind. Nothing was written.
    #[error("`{cursor}` is not a cursor of an import of {imported}; resume from one, or start without")]
    OtherCursor {
        /// The cursor.
        cursor: String,
        /// The kind of the import: `users`, `organizations` or `memberships`.
        imported: &'static str,
    },
    /// Clerk did not answer within the retry time of the import.
    #[error(transparent)]
    Clerk(#[from] BackendApiError),
    /// The database did not complete the work within the retry time of the import.
    #[error("the rows could not be read or written: {0}")]
    Rows(SyncError),
}

impl From<SyncError> for ImportError {
    fn from(error: SyncError) -> Self {
        Self::Rows(error)
    }
}
