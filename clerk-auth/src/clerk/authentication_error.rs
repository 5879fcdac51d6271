//! The reasons why a request has no session: signed out, refused, or not decidable at the moment.

use std::time::Duration;

use crate::token::{Refusal, TokenError};

/// The reason why a request has no session.
///
/// ```
/// use axum::http::HeaderMap;
/// use clerk_auth::Clerk;
/// use clerk_auth::clerk::AuthenticationError;
///
/// async fn who(clerk: &Clerk, headers: &HeaderMap) -> String {
///     match clerk.authenticate(headers).await {
///         Ok(session) => session.user_id().to_string(),
///         Err(AuthenticationError::SignedOut) => "a visitor".to_owned(),
///         Err(AuthenticationError::Refused(refusal)) => format!("nobody: {}", refusal.code()),
///         Err(error) => format!("not known at the moment: {error}"),
///     }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The request has no session token, or only the leftover of a browser that has signed out since.
    #[error("there is no session token")]
    SignedOut,
    /// The session token is not valid: the caller's fault.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The session came by cookie, on a request that changes something and that another site's page may have made; see
    /// [`middleware`](crate::middleware#cookies-and-other-sites).
    #[error("the session cookie came with a request that another site may have made")]
    CrossSiteRequest,
    /// Bans and deletions cannot be read from the database, and the application requires them: see
    /// [`require_current_denials`](crate::sync::UserSyncBuilder::require_current_denials).
    #[error("the denials of the database are not known at the moment")]
    DenialsUnavailable {
        /// The time after which to retry.
        retry_after: Duration,
    },
    /// The keys cannot be fetched, so no token can be verified.
    #[error("the keys of the Clerk instance cannot be fetched")]
    KeysUnavailable {
        /// The time after which to retry.
        retry_after: Duration,
    },
}

impl From<TokenError> for AuthenticationError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refusal) => Self::Refused(refusal),
            #[cfg(feature = "jwks")]
            TokenError::KeysUnavailable { retry_after } => Self::KeysUnavailable { retry_after },
        }
    }
}
