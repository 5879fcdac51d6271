//! Sign-in without a database: handlers take the session, which holds the token's claims.
//!
//! ```text
//! export CLERK_PUBLISHABLE_KEY=pk_test_… CLERK_AUTHORIZED_PARTIES=http://localhost:5173
//! cargo run -p clerk-auth --example sessions_only --features testing
//! ```

use std::error::Error;

use axum::{Json, routing};
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};
use serde_json::{Value, json};

#[authenticated]
async fn whoami(session: Session) -> Json<Value> {
    Json(json!({
        "user_id": session.user_id(),
        "organization": session.organization().map(|organization| organization.id()),
    }))
}

#[authenticated(role = "org:admin")]
async fn settings() -> &'static str {
    "for administrators of the active organization"
}

/// Greets visitors too. An invalid token is still refused.
#[authenticated]
async fn greeting(session: Option<Session>) -> String {
    match session {
        Some(session) => format!("Hello, {}!", session.user_id()),
        None => "Hello!".to_owned(),
    }
}

fn app(clerk: Clerk) -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .route("/settings", get(settings))
        .public("/greeting", routing::get(greeting))
        .with_state(clerk)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Clerk::from_env()?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://127.0.0.1:3000");
    axum::serve(listener, app).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode, header::AUTHORIZATION};
    use clerk_auth::testing::Issuer;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn each_route_admits_the_users_that_it_names() -> Result<(), Box<dyn Error>> {
        let issuer = Issuer::new("https://clerk.example.com");
        let app = axum::Router::from(app(issuer.clerk()));
        let admin = issuer.token("user_ada").organization("org_1", "org:admin").sign();
        let member = issuer
            .token("user_bob")
            .organization("org_1", "org:member")
            .sign();
        let expired = issuer.token("user_ada").expired().sign();
        let ok = StatusCode::OK;
        let refused = StatusCode::UNAUTHORIZED;
        for (path, token, status) in [
            ("/whoami", None, refused),
            ("/whoami", Some(&member), ok),
            ("/whoami", Some(&expired), refused),
            ("/settings", None, refused),
            ("/settings", Some(&member), StatusCode::FORBIDDEN),
            ("/settings", Some(&admin), ok),
            ("/greeting", None, ok),
            ("/greeting", Some(&admin), ok),
            ("/greeting", Some(&expired), refused),
        ] {
            let mut request = Request::get(path);
            if let Some(token) = token {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            let response = app.clone().oneshot(request.body(Body::empty())?).await?;
            assert_eq!(response.status(), status, "{path}, token: {token:?}");
        }
        Ok(())
    }
}
