//! Tests of the documented use of `utoipa-axum`: its router describes the routes of a guarded router.

use std::collections::HashSet;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, Session, authenticated};
use clerk_auth_tests::profiles::{issuer, token};
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[utoipa::path(get, path = "/me", responses((status = OK, body = String)))]
#[authenticated]
async fn whoami(session: Session) -> String {
    session.user_id().to_string()
}

/// The attributes in the other order.
#[authenticated(impersonation = "deny")]
#[utoipa::path(delete, path = "/me", responses((status = NO_CONTENT)))]
async fn leave() -> StatusCode {
    StatusCode::NO_CONTENT
}

#[utoipa::path(get, path = "/notes/{id}", params(("id" = u64, Path)), responses((status = OK, body = String)))]
#[authenticated]
async fn note(_session: Session, Path(id): Path<u64>) -> String {
    format!("note {id}")
}

fn app() -> Router {
    let clerk = Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem())
        .build()
        .expect("the configuration is right");
    let document = OpenApiRouter::<Clerk>::new()
        .routes(routes!(whoami, leave))
        .routes(routes!(note))
        .into_openapi();
    Router::new()
        .route("/me", get(whoami).delete(leave))
        .route("/notes/{id}", get(note))
        .public("/openapi.json", axum::routing::get(async || Json(document)))
        .with_state(clerk)
}

async fn answer(method: &Method, path: &str, is_signed_in: bool) -> (StatusCode, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path);
    if is_signed_in {
        let token = token("user_ada", "Ada", 5).sign();
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = app().oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = to_bytes(response.into_body(), 100_000).await.expect("a body");
    (status, body.to_vec())
}

/// Returns the methods and paths that the document lists.
async fn documented() -> HashSet<(Method, String)> {
    let (status, body) = answer(&Method::GET, "/openapi.json", false).await;
    assert_eq!(status, StatusCode::OK);
    let document: Value = serde_json::from_slice(&body).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("the document has paths");
    paths
        .iter()
        .flat_map(|(path, operations)| {
            let operations = operations.as_object().expect("a path has operations");
            operations.keys().map(|method| {
                let method = method.to_uppercase().parse().expect("a method");
                (method, path.clone())
            })
        })
        .collect()
}

#[tokio::test]
async fn document_lists_every_guarded_route() {
    let route = |method, path: &str| (method, path.to_owned());
    let expected = HashSet::from([
        route(Method::GET, "/me"),
        route(Method::DELETE, "/me"),
        route(Method::GET, "/notes/{id}"),
    ]);
    assert_eq!(documented().await, expected);
}

#[tokio::test]
async fn documented_routes_are_served_to_signed_in_users_only() {
    for (method, path) in documented().await {
        let path = path.replace("{id}", "7");
        let (status, _) = answer(&method, &path, false).await;
        assert_eq!(
            status,
            StatusCode::UNAUTHORIZED,
            "{method} {path} without a token"
        );
        let (status, body) = answer(&method, &path, true).await;
        let expected = match (&method, path.as_str()) {
            (&Method::GET, "/me") => (StatusCode::OK, "user_ada"),
            (&Method::GET, _) => (StatusCode::OK, "note 7"),
            _ => (StatusCode::NO_CONTENT, ""),
        };
        assert_eq!(
            (status, body.as_slice()),
            (expected.0, expected.1.as_bytes()),
            "{method} {path}"
        );
    }
}
