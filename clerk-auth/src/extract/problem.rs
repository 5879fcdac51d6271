//! The body of a refusal: a problem document (RFC 9457) with a stable `code`.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// The media type of a problem document.
pub(super) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Builds the members that every problem has. There is no `type`, because `code` has the same role.
pub(super) fn document(status: StatusCode, code: &str, detail: &str) -> Value {
    json!({
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    })
}

/// Builds a response that must not be cached: the next request may be answered differently.
pub(super) fn response(status: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
