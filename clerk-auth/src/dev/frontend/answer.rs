//! The answers of the Frontend API: results, refusals, and the browser's cookies.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The lifetime of the cookies, in seconds: the longest that browsers allow.
const COOKIE_LIFETIME: u32 = 400 * 24 * 60 * 60;

/// The reason why a request is refused, in the form of Clerk's errors.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    parameter: Option<&'static str>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            parameter: None,
        }
    }

    pub(super) fn malformed(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request_body_invalid", message)
    }

    /// Creates the refusal of a form parameter.
    pub(super) fn parameter(code: &'static str, parameter: &'static str, message: &str) -> Self {
        Self {
            parameter: Some(parameter),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
        }
    }

    pub(super) fn not_found(what: &str) -> Self {
        let message = format!("there is no such {what} in the stand-in");
        Self::new(StatusCode::NOT_FOUND, "resource_not_found", message)
    }

    pub(super) fn forbidden(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// Creates the refusal for a session that is over, or belongs to another browser. clerk-js then reads its client
    /// again.
    pub(super) fn not_signed_in() -> Self {
        let message = "the request needs a session of this browser that is not over";
        Self::new(StatusCode::UNAUTHORIZED, "authentication_invalid", message)
    }

    fn body(&self) -> Value {
        let mut error = json!({
            "code": self.code,
            "message": self.message,
            "long_message": self.message,
        });
        if let Some(parameter) = self.parameter {
            error["meta"] = json!({ "param_name": parameter });
        }
        json!({ "errors": [error] })
    }
}

/// An answer before the browser's cookies are added.
pub(super) fn response(answer: Result<Value, Refusal>) -> Response {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => (refusal.status, refusal.body()),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}

/// Adds a cookie for all ports of the host; `HttpOnly` if scripts must not read it.
pub(super) fn set_cookie(response: &mut Response, name: &str, value: &str, is_hidden: bool) {
    let hidden = if is_hidden { "; HttpOnly" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={COOKIE_LIFETIME}; SameSite=Lax{hidden}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
