//! Decides on which requests a session cookie is accepted: a browser also sends the cookie with requests of other
//! sites' pages.
//!
//! The rule is a pure function of method and headers. A page cannot forge its inputs: `Origin`, `Sec-Fetch-Site`,
//! `Upgrade` and `Sec-WebSocket-Key` are forbidden header names (Fetch standard, section 2.2.2).

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};

use crate::metrics;

/// The site of the page that made the request, relative to the application (Fetch Metadata, section 2.3).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The longest `Origin` that is logged, in bytes: a host name has at most 253.
const MAX_LOGGED: usize = 300;

/// Returns whether a session cookie is accepted on this request.
pub(super) fn is_accepted(parts: &Parts, parties: &[Box<str>]) -> bool {
    let headers = &parts.headers;
    // Every other method may change state, including unknown ones: CONNECT opens a WebSocket in HTTP/2 (RFC 8441).
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe && !opens_websocket(headers) {
        return true;
    }
    let (mut origins, mut sites) = (
        headers.get_all(header::ORIGIN).iter(),
        headers.get_all(SITE).iter(),
    );
    match (origins.next(), origins.next(), sites.next(), sites.next()) {
        // Not a browser, so there are no cookies of another user.
        (None, _, None, _) => true,
        // Browsers send a single `Origin` (RFC 6454 section 7.3). With several, it is unknown which one a proxy
        // checked.
        (_, Some(_), ..) => false,
        // Parties are normalized as browsers normalize origins, so that bytes can be compared.
        (Some(origin), ..) if parties.iter().any(|party| party.as_bytes() == origin.as_bytes()) => true,
        (_, _, Some(site), None) => site.as_bytes() == b"same-origin",
        _ => false,
    }
}

/// Returns whether the request opens a WebSocket, as pages of other sites can (RFC 6455 section 10.2).
///
/// The key alone suffices: a proxy may have removed `Upgrade`, which is a hop-by-hop header.
fn opens_websocket(headers: &HeaderMap) -> bool {
    let is_websocket = |protocol: &[u8]| {
        let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"websocket")
    };
    let mut protocols = headers
        .get_all(header::UPGRADE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    headers.contains_key(header::SEC_WEBSOCKET_KEY) || protocols.any(is_websocket)
}

/// Logs and counts a refused request, with the origin: the page may be the application's own.
pub(super) fn report(parts: &Parts) {
    const CODE: &str = "cross_site_request";
    metrics::session_token_refused(CODE);
    let origin = parts.headers.get(header::ORIGIN);
    tracing::info!(
        reason = CODE,
        origin = ?origin.filter(|origin| origin.len() <= MAX_LOGGED),
        "refused a session cookie on a request that another site may have made; if the origin is a front end of this \
         application, add it to the authorized parties"
    );
}
