//! The HTTP client: requests go directly to the configured address, and errors contain the cause of a failure.

use std::error::Error;
use std::fmt::Write;

use reqwest::{Client, ClientBuilder, Url, redirect};

use super::address::{is_loopback, is_safe};

/// Parses a URL from which it is [safe](is_safe) to fetch.
///
/// The rule must hold for the text and for reqwest's parsed form: reqwest's parser follows browsers, and accepts
/// spellings that this library rejects.
pub(crate) fn safe_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (is_safe(text) && is_safe(url.as_str())).then_some(url)
}

/// Creates a client for one address. The client follows no redirects: they would send the secret key elsewhere, or
/// fetch keys from elsewhere.
pub(crate) fn http_client(url: &Url) -> ClientBuilder {
    let client = Client::builder().redirect(redirect::Policy::none());
    if url.host_str().is_some_and(is_loopback) {
        // Requests to this machine must not go through a proxy, which `HTTP_PROXY` without a `NO_PROXY` would
        // configure.
        client.no_proxy()
    } else {
        client
    }
}

/// Reads a body of at most `limit` bytes; `None` if it is longer.
#[cfg(any(feature = "jwks", feature = "backend-api"))]
pub(crate) async fn read_bounded(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Returns the causes of a failed request: reqwest's own message omits the cause from the operating system or TLS.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut causes = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing into a `String` cannot fail.
        let _ = write!(causes, ": {cause}");
        source = cause.source();
    }
    causes
}
