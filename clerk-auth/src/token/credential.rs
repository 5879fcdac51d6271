//! A session token of a request, before verification.

use memchr::memchr;

/// A token as received. Even the UTF-8 of its bytes has not been verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Credential<'a> {
    pub(crate) token: &'a [u8],
    /// The time at which the browser last signed in or out, in seconds. An older cookie is a leftover. `None` for a
    /// header.
    pub(crate) client_updated_at: Option<i64>,
}

impl Credential<'_> {
    /// Returns whether the browser sent the token automatically, even with a request of another site's page.
    pub(crate) fn is_cookie(&self) -> bool {
        self.client_updated_at.is_some()
    }

    /// Returns whether the credential cannot be a token at all. Called only after a refusal, to choose the reason,
    /// because no such token verifies.
    pub(crate) fn is_malformed(&self) -> bool {
        !self.is_cookie() && memchr(b' ', self.token).is_some() || str::from_utf8(self.token).is_err()
    }
}
