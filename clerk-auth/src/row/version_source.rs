//! The source of a row's version in a session token.

/// The source of a version for a session token's claims.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::{SyncedRow, SyncedUser};
/// use clerk_auth::row::VersionSource;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
/// }
///
/// assert_eq!(User::VERSION, VersionSource::UpdatedAt { claim: "updatedAt" });
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VersionSource {
    /// The claim whose template value is `{{user.updated_at}}`, by name.
    UpdatedAt {
        /// The claim's name.
        claim: &'static str,
    },
    /// The time at which the token's claims were read: its `iat`, or the header's `oiat` if that is earlier
    /// ([`Session::claims_read_at`](crate::Session::claims_read_at)).
    ///
    /// Weaker than `{{user.updated_at}}`, because this time is not that of the user's last change:
    ///
    /// - claims read within a second of a change can lack it, and a token with them can win over the webhook;
    /// - the time is stored only with changed claims. So a token that repeats even older claims can win over tokens
    ///   that have confirmed the row since.
    IssuedAt,
}
