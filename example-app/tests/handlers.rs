//! The handlers, as a team tests its own: without a network, with session tokens of a test issuer, on a database in memory.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, Response, StatusCode};
use clerk_auth::Clerk;
use clerk_auth::testing::{Issuer, SessionToken};
use clerk_auth::time::{Clock, SystemClock};
use example_app::database;
use example_app::observability::{REQUEST_ID, observed};
use example_app::{AppState, app};
use serde_json::{Value, json};
use tower::ServiceExt;

const ORIGIN: &str = "https://app.example.com";

struct App {
    issuer: Issuer,
    router: Router,
}

impl App {
    async fn start() -> Self {
        let issuer = Issuer::new("https://clerk.example.com");
        let clerk = Clerk::builder()
            .issuer(issuer.url())
            .jwt_key(issuer.public_key_pem())
            .authorized_parties([ORIGIN])
            .build()
            .expect("the configuration is right");
        let database = database::open("sqlite::memory:").await.expect("it opens");
        let users = database.users(clerk.clone()).await.expect("the table fits");
        let state = AppState {
            clerk,
            users,
            database,
        };
        Self {
            issuer,
            router: observed(app(state).into()),
        }
    }

    /// A token with the claims of the application's template.
    fn token(&self, user_id: &'static str, first_name: &str) -> SessionToken<'_> {
        self.issuer
            .token(user_id)
            .claim("azp", ORIGIN)
            .claim("email", format!("{user_id}@example.com"))
            .claim("firstName", first_name)
            .claim("lastName", Value::Null)
            .claim("imageUrl", "https://img.example.com/1")
            .claim("updatedAt", SystemClock.now().seconds() - 60)
    }

    async fn get(&self, path: &str, token: Option<SessionToken<'_>>) -> (StatusCode, Value) {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.sign()));
        }
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.answer(request).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("a router answers")
    }
}

#[tokio::test]
async fn visitor_is_greeted_and_sees_nothing_else() {
    let app = App::start().await;
    let greeting = app.get("/api/greeting", None).await;
    assert_eq!(greeting, (StatusCode::OK, json!("Hello! You are not signed in.")));
    for path in ["/api/me", "/api/session", "/api/notes", "/api/admin/users"] {
        let (status, body) = app.get(path, None).await;
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::UNAUTHORIZED, &json!("signed_out")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn signed_in_user_has_a_row_and_notes() {
    let app = App::start().await;
    let (status, me) = app.get("/api/me", Some(app.token("user_ada", "Ada"))).await;
    assert_eq!((status, &me["first_name"]), (StatusCode::OK, &json!("Ada")));
    let note = Request::post("/api/notes")
        .header(
            AUTHORIZATION,
            format!("Bearer {}", app.token("user_ada", "Ada").sign()),
        )
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"body": "milk"}"#));
    let (status, note) = app.send(note.expect("a request")).await;
    assert_eq!((status, &note["user_id"]), (StatusCode::CREATED, &me["id"]));
    let (_, mine) = app.get("/api/notes", Some(app.token("user_ada", "Ada"))).await;
    assert_eq!(mine[0], note);
    let (_, others) = app.get("/api/notes", Some(app.token("user_eve", "Eve"))).await;
    assert_eq!(others.as_array().map(Vec::len), Some(1), "her welcome: {others}");
    assert_ne!(others[0]["user_id"], note["user_id"]);
}

#[tokio::test]
async fn new_user_is_welcomed_once() {
    let app = App::start().await;
    for name in ["Ada", "Augusta", "Ada"] {
        let (_, notes) = app.get("/api/notes", Some(app.token("user_ada", name))).await;
        let notes = notes.as_array().expect("a list");
        assert_eq!(notes.len(), 1, "{notes:?}");
        let body = notes[0]["body"].as_str().expect("a text");
        assert!(body.starts_with("Welcome!"), "{body}");
    }
}

#[tokio::test]
async fn list_of_users_is_for_administrators() {
    let app = App::start().await;
    for (role, status) in [
        ("org:member", StatusCode::FORBIDDEN),
        ("org:admin", StatusCode::OK),
    ] {
        let token = app.token("user_ada", "Ada").organization("org_1", role);
        assert_eq!(app.get("/api/admin/users", Some(token)).await.0, status, "{role}");
    }
}

#[tokio::test]
async fn response_has_an_id_that_the_caller_did_not_choose() {
    let app = App::start().await;
    let request = Request::get("/healthz").header(REQUEST_ID, "chosen");
    let response = app.answer(request.body(Body::empty()).expect("a request")).await;
    let id = &response.headers()[REQUEST_ID];
    assert_eq!(id.len(), 36, "a UUID: {id:?}");
}
