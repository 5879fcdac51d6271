//! Tests of the layer that requires a session, and of the rendering of rejections of layers and extractors.

#![cfg(feature = "testing")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRef, Path};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use clerk_auth::extract::{Authenticated, Rejection};
use clerk_auth::id::SessionId;
use clerk_auth::middleware::RequireSession;
use clerk_auth::policy::{Policy, Requirement};
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use clerk_auth::{Clerk, Session};
use serde_json::{Value, json};
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

struct Admins;

impl Policy for Admins {
    const REQUIREMENT: Requirement = Requirement::Role("org:admin");
}

struct Fixture {
    issuer: Issuer,
    clock: MovableClock,
    clerk: Clerk,
}

impl Fixture {
    fn new() -> Self {
        let issuer = Issuer::new("https://clerk.example.com");
        let clock = MovableClock::new(NOW);
        let clerk = Clerk::builder()
            .issuer(issuer.url())
            .jwt_key(issuer.public_key_pem())
            .clock(clock.clone())
            .build()
            .expect("the configuration is right");
        Self { issuer, clock, clerk }
    }

    fn token(&self, further: Value) -> String {
        let mut claims = self.issuer.claims("user_ada", NOW);
        if let Value::Object(further) = further {
            claims.extend(further);
        }
        self.issuer.sign(&claims)
    }
}

async fn answer(app: &Router, path: &str, token: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).expect("a request");
    app.clone().oneshot(request).await.expect("infallible")
}

async fn body(response: Response) -> Value {
    let bytes = to_bytes(response.into_body(), 10_000).await.expect("a body");
    serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into())
}

async fn whoami(session: Session) -> String {
    session.user_id().to_string()
}

#[tokio::test]
async fn layer_guards_services_handlers_and_nested_routers() {
    let fixture = Fixture::new();
    let clerk = &fixture.clerk;
    let inner = Router::new()
        .route("/whoami", get(whoami))
        .route("/plain/{name}", get(async |Path(name): Path<String>| name))
        .route_service("/service", get(async || "service"));
    let admin = Router::new()
        .route("/", get(async || "admin"))
        .layer(RequireSession::new(clerk.clone()).policy::<Admins>());
    let guarded = Router::new()
        .nest("/inner", inner)
        .nest("/admin", admin)
        .layer(RequireSession::new(clerk.clone()));
    let app: Router = Router::new()
        .nest("/guarded", guarded)
        .route("/public", get(async || "public"))
        .with_state(clerk.clone());

    let ada = fixture.token(json!({}));
    let admin = fixture.token(json!({ "o": { "id": "org_1", "rol": "admin" } }));
    for (path, token, status, expected) in [
        ("/public", None, 200, "public"),
        ("/guarded/inner/whoami", None, 401, "signed_out"),
        ("/guarded/inner/whoami", Some(&ada), 200, "user_ada"),
        ("/guarded/inner/plain/x", None, 401, "signed_out"),
        ("/guarded/inner/plain/x", Some(&ada), 200, "x"),
        ("/guarded/inner/service", None, 401, "signed_out"),
        ("/guarded/inner/service", Some(&ada), 200, "service"),
        ("/guarded/admin", Some(&ada), 403, "role_required"),
        ("/guarded/admin", Some(&admin), 200, "admin"),
        (
            "/guarded/inner/plain/x",
            Some(&"a.b.c".to_owned()),
            401,
            "token_malformed",
        ),
    ] {
        let response = answer(&app, path, token.map(String::as_str)).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let body = body(response).await;
        let code = body["code"].as_str().or(body.as_str());
        assert_eq!(code, Some(expected), "{path}: {body}");
    }
}

/// A router without state takes the handle from the layer.
#[tokio::test]
async fn router_without_state_is_guarded() {
    let fixture = Fixture::new();
    let app: Router<()> = Router::new()
        .route("/", get(async || "in"))
        .layer(RequireSession::new(fixture.clerk.clone()));
    assert_eq!(answer(&app, "/", None).await.status(), StatusCode::UNAUTHORIZED);
    let token = fixture.token(json!({}));
    assert_eq!(answer(&app, "/", Some(&token)).await.status(), StatusCode::OK);
}

/// The application may share its state instead of cloning each part.
#[tokio::test]
async fn state_in_an_arc_is_accepted() {
    struct Shared {
        clerk: Clerk,
    }
    #[derive(Clone)]
    struct AppState(Arc<Shared>);
    impl FromRef<AppState> for Clerk {
        fn from_ref(state: &AppState) -> Self {
            state.0.clerk.clone()
        }
    }
    let fixture = Fixture::new();
    let state = AppState(Arc::new(Shared {
        clerk: fixture.clerk.clone(),
    }));
    let app = Router::new().route("/", get(whoami)).with_state(state);
    let token = fixture.token(json!({}));
    assert_eq!(body(answer(&app, "/", Some(&token)).await).await, "user_ada");
}

/// The extractor uses the session that the layer verified: a session that ends between the two is still accepted.
/// Another handle verifies again, because it may trust other parties.
#[tokio::test]
async fn request_is_verified_once_by_each_handle() {
    let fixture = Fixture::new();
    let strict = Clerk::builder()
        .issuer(fixture.issuer.url())
        .jwt_key(fixture.issuer.public_key_pem())
        .authorized_parties(["https://app.example.com"])
        .clock(fixture.clock.clone())
        .build()
        .expect("the configuration is right");
    let clock = fixture.clock.clone();
    let expire = axum::middleware::map_request(move |request: Request<Body>| {
        let clock = clock.clone();
        async move {
            clock.advance(Duration::from_secs(3_600));
            request
        }
    });
    let app = |state: Clerk| {
        Router::new()
            .route("/", get(async |_: Authenticated<Session>| "in"))
            .layer(expire.clone())
            .layer(RequireSession::new(fixture.clerk.clone()))
            .with_state(state)
    };
    let token = fixture.token(json!({}));
    let refused = answer(&app(strict), "/", Some(&token)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);

    let fixture_token = {
        let mut claims = fixture.issuer.claims("user_ada", fixture.clerk.now());
        claims.insert("sid".to_owned(), json!("sess_later"));
        fixture.issuer.sign(&claims)
    };
    let accepted = answer(&app(fixture.clerk.clone()), "/", Some(&fixture_token)).await;
    assert_eq!(accepted.status(), StatusCode::OK);
}

#[tokio::test]
async fn ended_session_is_refused_until_its_tokens_have_expired() {
    let fixture = Fixture::new();
    let app: Router = Router::new()
        .route("/", get(whoami))
        .with_state(fixture.clerk.clone());
    let ended = fixture.token(json!({}));
    let other = fixture.token(json!({ "sid": "sess_other" }));
    let code = async |token: &str| {
        let response = answer(&app, "/", Some(token)).await;
        let code = body(response).await;
        code["code"].as_str().map(str::to_owned)
    };
    assert_eq!(code(&ended).await, None);
    fixture.clerk.deny_session(&SessionId::new("sess_ada"));
    // A token that was verified before is refused too, although its signature is not verified again.
    assert_eq!(code(&ended).await.as_deref(), Some("session_ended"));
    assert_eq!(code(&other).await, None);
    fixture.clerk.deny_session(&SessionId::new("sess_other"));
    assert_eq!(code(&other).await.as_deref(), Some("session_ended"));
    fixture.clock.advance(Duration::from_secs(64));
    assert_eq!(code(&ended).await.as_deref(), Some("session_ended"));
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(code(&ended).await.as_deref(), Some("token_expired"));
}

#[tokio::test]
async fn pending_session_is_signed_out_by_default() {
    let fixture = Fixture::new();
    let pending = fixture.token(json!({ "sts": "pending" }));
    let lenient = Clerk::builder()
        .issuer(fixture.issuer.url())
        .jwt_key(fixture.issuer.public_key_pem())
        .accept_pending_sessions()
        .clock(fixture.clock.clone())
        .build()
        .expect("the configuration is right");
    for (clerk, expected) in [
        (&fixture.clerk, json!("session_pending")),
        (&lenient, json!("true")),
    ] {
        let app: Router = Router::new()
            .route(
                "/",
                get(async |session: Session| session.is_pending().to_string()),
            )
            .with_state(clerk.clone());
        let body = body(answer(&app, "/", Some(&pending)).await).await;
        let answered = body.get("code").unwrap_or(&body);
        assert_eq!(*answered, if expected == "true" { json!(true) } else { expected });
    }
}

/// A single function renders the rejections of layers and extractors; the status and the headers stay unchanged.
#[tokio::test]
async fn team_renders_rejections_its_own_way() {
    async fn render(response: Response) -> Response {
        match response.extensions().get::<Rejection>() {
            Some(rejection) => rejection.response(
                HeaderValue::from_static("text/plain"),
                format!("sorry: {}", rejection.code()),
            ),
            None => response,
        }
    }
    let fixture = Fixture::new();
    let layered = Router::new()
        .route("/", get(async || "in"))
        .layer(RequireSession::new(fixture.clerk.clone()));
    let app: Router = Router::new()
        .route("/extractor", get(whoami))
        .nest("/layer", layered)
        .layer(map_response(render))
        .with_state(fixture.clerk.clone());
    for path in ["/extractor", "/layer"] {
        let response = answer(&app, path, None).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
        assert!(response.headers().contains_key(WWW_AUTHENTICATE));
        assert_eq!(body(response).await, "sorry: signed_out");
    }
    let token = fixture.token(json!({}));
    assert_eq!(
        body(answer(&app, "/extractor", Some(&token)).await).await,
        "user_ada"
    );
}
