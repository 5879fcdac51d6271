//! The errors of verifying a token: the token is refused, or the keys are unavailable.

#[cfg(feature = "jwks")]
use std::time::Duration;

use super::refusal::Refusal;

/// The reason why a token was not verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TokenError {
    /// The token is not valid.
    Refused(Refusal),
    /// The keys of the instance cannot be fetched.
    #[cfg(feature = "jwks")]
    KeysUnavailable { retry_after: Duration },
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
