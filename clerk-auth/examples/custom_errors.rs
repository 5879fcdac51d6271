//! Renders every refusal in the application's own JSON, including those of webhooks. Status codes and headers stay
//! unchanged.
//!
//! ```text
//! export CLERK_PUBLISHABLE_KEY=pk_test_… CLERK_WEBHOOK_SIGNING_SECRET=whsec_…
//! cargo run -p clerk-auth --example custom_errors --features testing
//! curl -i http://127.0.0.1:3000/whoami
//! ```

use std::error::Error;

use axum::extract::FromRef;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing;
use clerk_auth::extract::{Rejection, WebhookRejection};
use clerk_auth::routing::{Router, get};
use clerk_auth::webhook::{Webhook, WebhookVerifier};
use clerk_auth::{Clerk, Session, authenticated};
use serde_json::json;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns an error in the application's format.
fn body(code: &str, message: &str) -> String {
    json!({ "error": { "code": code, "message": message } }).to_string()
}

/// Renders refusals. The response of each extractor and layer contains the reason in its extensions.
async fn render(response: Response) -> Response {
    if let Some(rejection) = response.extensions().get::<Rejection>() {
        rejection.response(JSON, body(rejection.code(), &rejection.to_string()))
    } else if let Some(rejection) = response.extensions().get::<WebhookRejection>() {
        rejection.response(JSON, body(rejection.code(), &rejection.to_string()))
    } else {
        response
    }
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    verifier: WebhookVerifier,
}

#[authenticated]
async fn whoami(session: Session) -> String {
    session.user_id().to_string()
}

#[authenticated(permission = "org:billing:manage")]
async fn invoices() -> &'static str {
    "invoices"
}

async fn receive(webhook: Webhook) -> StatusCode {
    println!("received {}", webhook.id);
    StatusCode::NO_CONTENT
}

fn app(state: AppState) -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .route("/invoices", get(invoices))
        .public("/webhooks/clerk", routing::post(receive))
        .layer(map_response(render))
        .with_state(state)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(AppState {
        clerk: Clerk::from_env()?,
        verifier: WebhookVerifier::from_env()?,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://127.0.0.1:3000");
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
    use clerk_auth::testing::Issuer;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn refusals_keep_status_and_headers_in_the_application_format() -> Result<(), Box<dyn Error>> {
        let issuer = Issuer::new("https://clerk.example.com");
        let app = axum::Router::from(app(AppState {
            clerk: issuer.clerk(),
            verifier: WebhookVerifier::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?),
        }));
        let token = format!("Bearer {}", issuer.token("user_ada").sign());
        for (request, status, code) in [
            (Request::get("/whoami"), StatusCode::UNAUTHORIZED, "signed_out"),
            (
                Request::get("/invoices").header(AUTHORIZATION, token),
                StatusCode::FORBIDDEN,
                "permission_required",
            ),
            (
                Request::post("/webhooks/clerk"),
                StatusCode::BAD_REQUEST,
                "webhook_header_missing",
            ),
        ] {
            let response = app.clone().oneshot(request.body(Body::empty())?).await?;
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            let challenged = response.headers().contains_key(WWW_AUTHENTICATE);
            assert_eq!(challenged, status == StatusCode::UNAUTHORIZED);
            let answer = to_bytes(response.into_body(), 10_000).await?;
            let answer: serde_json::Value = serde_json::from_slice(&answer)?;
            assert_eq!(answer["error"]["code"], code);
        }
        Ok(())
    }
}
