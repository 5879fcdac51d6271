//! The answer of an application of axum to a signed-in request.

use axum::http::{Request, header::AUTHORIZATION};
use axum::{Router, body::Body};
use serde_json::Value;
use tower::ServiceExt;

/// Sends a request. Returns the status, and the code of a problem or else the body.
pub(super) async fn answer_of(app: &Router, path: &str, token: &str) -> (u16, String) {
    let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::empty()).expect("a request");
    let response = app.clone().oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 4_096)
        .await
        .expect("a body");
    let text = String::from_utf8(body.to_vec()).expect("text");
    let code = serde_json::from_str::<Value>(&text).ok();
    let code = code.and_then(|problem| Some(problem["code"].as_str()?.to_owned()));
    (status, code.unwrap_or(text))
}
