//! Tests of faults that were measured in other verifiers of Clerk's tokens and of JWTs. The attack corpus, the cookie
//! tables and the tests of the keys endpoint contain many variants of each case.

#![cfg(all(feature = "jwks", feature = "testing"))]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, COOKIE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use clerk_auth::middleware::RequireSession;
use clerk_auth::testing::{FakeClerk, Issuer, SessionToken};
use clerk_auth::{Clerk, Session};
use serde_json::{Value, json};
use tower::ServiceExt;

const JWKS: &str = "/.well-known/jwks.json";

/// Creates a public route, a route for signed-in users, a route also for visitors, and a router behind the layer.
fn app(clerk: &Clerk) -> Router {
    let users = Router::new()
        .route("/{id}", get(async || "user"))
        .layer(RequireSession::new(clerk.clone()));
    Router::new()
        .route("/public", get(async || "public"))
        .route(
            "/index",
            get(async |session: Session| session.user_id().to_string()),
        )
        .nest("/api/users", users)
        .with_state(clerk.clone())
}

async fn answer(app: &Router, path: &str, headers: &[(HeaderName, HeaderValue)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::empty()).expect("a request");
    app.clone().oneshot(request).await.expect("infallible")
}

fn bearer(token: &str) -> [(HeaderName, HeaderValue); 1] {
    let value = format!("Bearer {token}").parse().expect("a header value");
    [(AUTHORIZATION, value)]
}

async fn code(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 10_000).await.expect("a body");
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

/// clerk-rs guards a list of paths, which it compares with the path as it was sent.
#[tokio::test]
async fn paths_are_guarded_by_what_the_router_matched() {
    let issuer = Issuer::new("https://clerk.example.com");
    let app = app(&issuer.clerk());
    for path in [
        "/%69ndex",
        "/api/users/7",
        "/api/users/%37",
        "/api//users/7",
        "/api/users/../users/7",
    ] {
        let status = answer(&app, path, &[]).await.status();
        assert!(
            matches!(status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND),
            "{path}: {status}"
        );
    }
}

/// clerk-rs panics, axum-keycloak-auth panics on `?token=%ff`, axum-jwt-auth answers 500.
#[tokio::test]
async fn malformed_request_is_a_client_error() {
    let fake = FakeClerk::start().await.expect("a port is free");
    let app = app(&fake.clerk().build().expect("the configuration is right"));
    let unknown = Issuer::new(fake.issuer().url()).with_key_id("ins_unknown");
    let opaque = HeaderValue::from_bytes(b"Bearer \xe9\xff").expect("opaque bytes");
    for (headers, expected) in [
        ([(AUTHORIZATION, opaque)], "credential_malformed"),
        (bearer("a.b.c"), "token_malformed"),
        (bearer(&unknown.token("user_ada").sign()), "token_key_unknown"),
        (bearer("..."), "token_malformed"),
    ] {
        let response = answer(&app, "/index?token=%ff", &headers).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{expected}");
        assert!(response.headers().contains_key(WWW_AUTHENTICATE));
        assert_eq!(code(response).await, expected);
    }
}

/// clerk-rs, jwt-authorizer and others accept 60 s of leeway, any party, any issuer, and tokens without a session. They
/// refuse valid tokens because of an `aud`, a missing `nbf`, or a time after 2038.
#[tokio::test]
async fn other_tokens_of_the_instance_are_refused_and_right_ones_accepted() {
    type Change = for<'a> fn(SessionToken<'a>) -> SessionToken<'a>;
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = Clerk::builder()
        .issuer(issuer.url())
        .jwt_key(issuer.public_key_pem())
        .authorized_parties(["https://app.example.com"])
        .build()
        .expect("the configuration is right");
    let app = app(&clerk);
    let cases: [(Change, &str); 12] = [
        (|token| token, ""),
        (|token| token.claim("aud", "https://api.example.com"), ""),
        (|token| token.claim("aud", json!(["a", "b"])), ""),
        (|token| token.without("nbf"), ""),
        // A ban is recorded for a shorter time.
        (
            |token| token.claim("exp", 4_000_000_000_i64),
            "token_lives_too_long",
        ),
        (|token| token.expired(), "token_expired"),
        (
            |token| token.authorized_party("https://evil.example.com"),
            "token_party_refused",
        ),
        (|token| token.without("azp"), "token_party_refused"),
        (
            |token| token.claim("iss", "https://clerk.evil.example"),
            "token_issuer_refused",
        ),
        (|token| token.without("sid"), "not_a_session_token"),
        (|token| token.claim("sub", "mch_machine"), "not_a_session_token"),
        (|token| token.pending(), "session_pending"),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let token = issuer
            .token("user_ada")
            .authorized_party("https://app.example.com");
        let response = answer(&app, "/index", &bearer(&change(token).sign())).await;
        assert_eq!(code(response).await, expected, "case {number}");
    }
}

/// clerk-rs takes a bare token and any scheme, and lets a Basic header hide a session cookie.
#[tokio::test]
async fn authorization_scheme_is_parsed_case_insensitively() {
    let issuer = Issuer::new("https://clerk.example.com");
    let app = app(&issuer.clerk());
    let token = issuer.token("user_ada").sign();
    let header = |text: String| (AUTHORIZATION, text.parse().expect("a header value"));
    let cookies = format!("__session={token}; __client_uat=1");
    let cookie = (COOKIE, cookies.parse().expect("a header value"));
    for (headers, expected) in [
        (vec![header(token.clone())], StatusCode::UNAUTHORIZED),
        (vec![header(format!("Token {token}"))], StatusCode::UNAUTHORIZED),
        (vec![header(format!("bearer {token}"))], StatusCode::OK),
        (
            vec![header("Basic YTpi".to_owned()), cookie.clone()],
            StatusCode::OK,
        ),
        (
            vec![header("Bearer a.b.c".to_owned()), cookie],
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        assert_eq!(
            answer(&app, "/index", &headers).await.status(),
            expected,
            "{headers:?}"
        );
    }
}

/// clerk-rs reads no organization from a token of version 2; dioxus-clerk loses features of the scope `uo`.
#[tokio::test]
async fn organization_of_a_version_2_token_is_read() {
    let issuer = Issuer::new("https://clerk.example.com");
    let organization = json!({ "id": "org_1", "rol": "admin", "per": "read,write", "fpm": "3,1" });
    let token = issuer.token("user_ada").claim("o", organization);
    let token = token.claim("fea", "o:notes,uo:files").sign();
    let headers = axum::http::HeaderMap::from_iter(bearer(&token));
    let session = issuer.clerk().authenticate(&headers).await.expect("a good token");
    assert!(session.has_role("org:admin"));
    for permission in ["org:notes:read", "org:notes:write", "org:files:read"] {
        assert!(session.has_permission(permission), "{permission}");
    }
    assert!(!session.has_permission("org:files:write"));
}

/// Nearly all verifiers answer 401 while the keys cannot be fetched, and try again for each request. dioxus-clerk's
/// layer also refuses public routes.
#[tokio::test]
async fn outage_of_the_keys_is_a_503_that_is_not_hammered() {
    let fake = FakeClerk::start().await.expect("a port is free");
    fake.fail(StatusCode::INTERNAL_SERVER_ERROR);
    let app = app(&fake.clerk().build().expect("the configuration is right"));
    let token = bearer(&fake.issuer().token("user_ada").sign());
    for _ in 0..11 {
        let response = answer(&app, "/index", &token).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(RETRY_AFTER));
        assert_eq!(answer(&app, "/public", &token).await.status(), StatusCode::OK);
        assert_eq!(
            answer(&app, "/index", &[]).await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(fake.requests(JWKS), 1);
}

/// Clerk's Python SDK drops a key and fetches again for each forged token that names it. Clerk's JavaScript SDK fetches
/// for each unknown key id, and jwt-authorizer sends that id.
#[tokio::test]
async fn forged_tokens_cost_one_fetch() {
    let fake = FakeClerk::start().await.expect("a port is free");
    let app = app(&fake.clerk().build().expect("the configuration is right"));
    let good = bearer(&fake.issuer().token("user_ada").sign());
    assert_eq!(answer(&app, "/index", &good).await.status(), StatusCode::OK);
    let forger = Issuer::new(fake.issuer().url());
    for number in 0..20 {
        let known = forger.token("user_ada").sign();
        let header = format!(r#"{{"alg":"RS256","kid":"ins_{number}"}}"#);
        let unknown = forger.sign_raw(&header, "{}");
        for token in [known, unknown] {
            let response = answer(&app, "/index", &bearer(&token)).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        }
    }
    // The first fetch is for the valid token; the second checks whether the key was replaced under its id.
    assert_eq!(fake.requests(JWKS), 2);
    assert_eq!(answer(&app, "/index", &good).await.status(), StatusCode::OK);
}
