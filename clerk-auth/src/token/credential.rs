//! A session token as a request carries it, before anything is verified.

use memchr::memchr;

/// A token as it was found, of which nothing is verified: not even that it is a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Credential<'a> {
    pub(crate) token: &'a [u8],
    /// When the browser last signed in or out, in seconds: an older cookie is a leftover. A header says nothing of it.
    pub(crate) client_updated_at: Option<i64>,
}

impl Credential<'_> {
    /// Whether a browser sent it along by itself, whichever site's page made the request.
    pub(crate) fn is_cookie(&self) -> bool {
        self.client_updated_at.is_some()
    }

    /// Whether it cannot be a token at all. Looked at when one is refused, for the reason: no such token verifies.
    pub(crate) fn is_malformed(&self) -> bool {
        !self.is_cookie() && memchr(b' ', self.token).is_some() || str::from_utf8(self.token).is_err()
    }
}
