//! The application's answer if its own queries fail.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A failure of the application's own; the cause is logged and not sent to the caller.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Problem(#[from] sqlx::Error);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a query of the application failed");
        let body = serde_json::json!({
            "title": "Service Unavailable",
            "status": 503,
            "detail": "the service is not available at the moment",
            "code": "database_unavailable",
        });
        (
            StatusCode::SERVICE_UNAVAILABLE,
            [
                (header::CONTENT_TYPE, "application/problem+json"),
                (header::RETRY_AFTER, "1"),
            ],
            body.to_string(),
        )
            .into_response()
    }
}
