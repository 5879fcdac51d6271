//! The reasons why linking cannot begin or ends early.

use crate::sync::offline::error::ImportError;

/// The reason why [linking](crate::UserSync::link) could not begin or has ended early. Rows that were linked before remain
/// linked, and starting again is harmless.
///
/// ```
/// use clerk_auth::sync::LinkError;
///
/// /// Returns whether to start again later.
/// fn may_pass(error: &LinkError) -> bool {
///     matches!(error, LinkError::Ended(_))
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The struct has no column with the value by which to link.
    #[error(
        "`{user}` has no column for `{{{{{shortcode}}}}}`, by which rows were to be linked; add a field whose claim is exactly \
         that, or link by another value"
    )]
    NoColumn {
        /// The struct.
        user: &'static str,
        /// The shortcode without braces.
        shortcode: &'static str,
    },
    /// The table has no primary key of its own that could become the `external_id` of a user.
    #[error(
        "`{user}` has no key of its own that could become the `external_id` of Clerk's users; add `#[column(generated)] id` to \
         the struct, or do not set `external_id`"
    )]
    NoLocalKey {
        /// The struct.
        user: &'static str,
    },
    /// Clerk or the database failed for longer than the retry time, or the secret key is of another instance.
    #[error(transparent)]
    Ended(#[from] ImportError),
}
