//! The closed set of reasons for which a session token is refused.

use crate::session::MalformedClaim;

/// The reason why a session token was refused. Answered as 401 with [`code`](Self::code).
///
/// ```
/// use clerk_auth::token::Refusal;
///
/// assert_eq!(Refusal::Expired.code(), "token_expired");
/// assert_eq!(Refusal::Expired.to_string(), "the session token has expired");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The `Authorization` header is not one `Bearer` credential.
    #[error("the authorization header is malformed")]
    CredentialMalformed,
    /// The token is longer than any session token.
    #[error("the session token is too long")]
    TooLong,
    /// The token is not a compact JWT (RFC 7515 section 7.1).
    #[error("the session token is malformed")]
    Malformed,
    /// The token is signed with another algorithm than RS256.
    #[error("the session token's algorithm is not accepted")]
    Algorithm,
    /// The token has critical header parameters, none of which this library supports (RFC 7515 section 4.1.11).
    #[error("the session token has critical header parameters")]
    Critical,
    /// The token is valid for something else: a machine, an OAuth client, or a JWT template.
    #[error("the token is not a session token")]
    NotASessionToken,
    /// No key of the Clerk instance has the token's `kid`.
    #[error("the session token is signed with an unknown key")]
    UnknownKey,
    /// The signature does not match the key.
    #[error("the session token's signature is not valid")]
    Signature,
    /// A standard claim is missing or of another type.
    #[error("the session token's claims are malformed")]
    Claims(#[from] MalformedClaim),
    /// The token was minted for another front end, or for none although parties are configured.
    #[error("the session token was issued to another party")]
    Party,
    /// Another Clerk instance issued the token.
    #[error("the session token was issued by another instance")]
    Issuer,
    /// The token has expired.
    #[error("the session token has expired")]
    Expired,
    /// The token is not valid yet.
    #[error("the session token is not active yet")]
    NotActiveYet,
    /// The token was minted in the future.
    #[error("the session token was issued in the future")]
    IssuedInTheFuture,
    /// The browser has signed in again, or switched accounts, since the session cookie was minted.
    #[error("the session cookie is older than the last sign-in")]
    Superseded,
    /// The session has ended, and the token has not expired yet: see [`Clerk::deny_session`](crate::Clerk::deny_session).
    #[error("the session has ended")]
    SessionEnded,
    /// Clerk has deleted the user, and the token has not expired yet.
    #[error("the user was deleted")]
    UserDeleted,
    /// The user is banned: Clerk has ended all their sessions, and the token has not expired yet.
    #[error("the user is banned")]
    UserBanned,
    /// The user is locked out after too many failed attempts to sign in, and the application ends the sessions of such
    /// users: see [`lockout_ends_sessions`](https://docs.rs/clerk-auth/latest/clerk_auth/sync/struct.UserSyncBuilder.html#method.lockout_ends_sessions).
    #[error("the user is locked out")]
    UserLocked,
    /// The organization's directory has withdrawn the user: Clerk has ended all their sessions, and the token has not
    /// expired yet.
    #[error("the user was deprovisioned")]
    UserDeprovisioned,
    /// The token's life, from the time at which its claims were read to its expiry, is longer than bans and deletions
    /// are kept. See [`ClerkBuilder::denial_lifetime`](crate::clerk::ClerkBuilder::denial_lifetime). The Backend API
    /// mints such tokens with `expires_in_seconds`, and the edge from claims of that age.
    #[error("the session token lives too long")]
    LivesTooLong,
    /// The token's claims were read before a denial that this process had to drop from its full deny list. A token with
    /// newer claims is accepted.
    #[error("the session token's claims are too old")]
    ClaimsTooOld,
    /// A session task, such as choosing an organization, is pending.
    #[error("the session is pending")]
    Pending,
}

impl Refusal {
    /// Returns the stable code by which a client distinguishes reasons.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CredentialMalformed => "credential_malformed",
            Self::TooLong => "token_too_long",
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm_refused",
            Self::Critical => "token_critical_header",
            Self::NotASessionToken => "not_a_session_token",
            Self::UnknownKey => "token_key_unknown",
            Self::Signature => "token_signature_invalid",
            Self::Claims(_) => "token_claims_malformed",
            Self::Party => "token_party_refused",
            Self::Issuer => "token_issuer_refused",
            Self::Expired => "token_expired",
            Self::NotActiveYet => "token_not_active_yet",
            Self::IssuedInTheFuture => "token_issued_in_the_future",
            Self::Superseded => "session_superseded",
            Self::SessionEnded => "session_ended",
            Self::UserDeleted => "user_deleted",
            Self::UserBanned => "user_banned",
            Self::UserLocked => "user_locked",
            Self::UserDeprovisioned => "user_deprovisioned",
            Self::LivesTooLong => "token_lives_too_long",
            Self::ClaimsTooOld => "token_claims_too_old",
            Self::Pending => "session_pending",
        }
    }
}
