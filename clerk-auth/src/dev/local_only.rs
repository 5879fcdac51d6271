//! Answers only requests that name this machine, and that no page of another machine makes.
//!
//! A page of `evil.example` reaches a server on loopback in two ways. If `evil.example` resolves to 127.0.0.1 (DNS
//! rebinding), the browser sends that name as `Host`, and lets the page read the answer. If the page requests
//! 127.0.0.1, it cannot read the answer, but a form can still change things. The browser then sends the page's
//! `Origin`.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::address::{host, is_loopback};

/// The host of the original request, before a proxy rewrote `Host`.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

pub(super) async fn local_only(request: Request, next: Next) -> Response {
    if !is_for_loopback(&request) {
        const ADVICE: &str = "the stand-in answers only requests for `localhost`, 127.0.0.1 or [::1], and this one is for \
                              another host; open the application under its loopback address\n";
        return (StatusCode::MISDIRECTED_REQUEST, ADVICE).into_response();
    }
    if !is_from_loopback(request.headers()) {
        const ADVICE: &str = "the stand-in refuses requests of pages that are not of this machine; open the page under \
                              `http://localhost` or `http://127.0.0.1`\n";
        return (StatusCode::FORBIDDEN, ADVICE).into_response();
    }
    next.run(request).await
}

/// Returns whether the request names the server, and only by loopback names. The names are the URI's authority
/// (absolute form, or `:authority` of HTTP/2), `Host`, and the original values before a proxy.
fn is_for_loopback(request: &Request) -> bool {
    let headers = request.headers();
    let authority = request.uri().authority().map(Authority::as_str);
    let hosts = headers.get_all(header::HOST);
    // RFC 9112 section 3.2: several `Host` headers are an error, and proxies disagree about which one counts.
    let is_ambiguous = hosts.iter().count() > 1;
    let is_local = |authority: &str| host(authority).is_some_and(is_loopback);
    !is_ambiguous
        && (authority.is_some() || headers.contains_key(header::HOST))
        && authority.is_none_or(is_local)
        && hosts.iter().all(|value| value.to_str().is_ok_and(is_local))
        && headers.get_all(FORWARDED_HOST).iter().all(|value| {
            let mut hosts = value.to_str().unwrap_or_default().split(',');
            hosts.all(|host| is_local(host.trim()))
        })
}

/// Returns whether the request comes from no page, or from a page on this machine. The port may differ: front ends run
/// their own development servers.
fn is_from_loopback(headers: &HeaderMap) -> bool {
    headers.get_all(header::ORIGIN).iter().all(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        authority.and_then(host).is_some_and(is_loopback)
    })
}
