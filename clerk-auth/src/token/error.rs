//! Why a token is not verified: it is refused, or there is nothing to verify it with.

#[cfg(feature = "jwks")]
use std::time::Duration;

use super::refusal::Refusal;

/// Why a token is not verified.
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
