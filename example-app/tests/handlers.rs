//! Tests the handlers without a network, with session tokens of a test issuer, on a database in memory.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, Response, StatusCode};
use clerk_auth::Clerk;
use clerk_auth::routing::webhooks;
use clerk_auth::testing::{Issuer, SessionToken, SignedDelivery, event, membership_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use example_app::database;
use example_app::observability::{REQUEST_ID, observed};
use example_app::{AppState, app, trials};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
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
        let state = AppState::new(clerk, database).await.expect("the tables fit");
        let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
        let received = webhooks(&state.users, verifier);
        let router = app(state).public("/webhooks/clerk", received);
        Self {
            issuer,
            router: observed(router.into()),
        }
    }

    /// Creates a token with the claims of the application's template.
    fn token(&self, user_id: &'static str, first_name: &str) -> SessionToken<'_> {
        self.issuer
            .token(user_id)
            .claim("azp", ORIGIN)
            .claim("email", format!("{user_id}@example.com"))
            .claim("firstName", first_name)
            .claim("lastName", Value::Null)
            .claim("imageUrl", "https://img.example.com/1")
            .claim("updatedAt", SystemClock.now().as_secs() - 60)
    }

    /// Creates a token of a member of Acme, whose claims were read a moment ago.
    fn member(&self, user_id: &'static str, role: &'static str) -> SessionToken<'_> {
        self.token(user_id, "Ada")
            .issued_at(Timestamp::from_secs(SystemClock.now().as_secs() - 5))
            .organization("org_acme", role)
            .claim("orgName", "Acme")
            .claim("orgSlug", "acme")
            .claim("orgRole", role)
    }

    async fn post(&self, path: &str, token: SessionToken<'_>, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header(AUTHORIZATION, format!("Bearer {}", token.sign()))
            .header(CONTENT_TYPE, "application/json");
        let body = Body::from(body.to_string());
        self.send(request.body(body).expect("a request")).await
    }

    /// Delivers an event about a membership of Acme.
    async fn deliver(&self, event_type: &str, user_id: &str, role: &str) {
        let now = SystemClock.now();
        let mut membership = membership_object(user_id, "org_acme", role, now);
        membership["organization"]["name"] = json!("Acme");
        let delivery = SignedDelivery::new(SECRET, &event(event_type, membership, now), now);
        let (status, body) = self
            .send(delivery.request("/webhooks/clerk").map(Body::from))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
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
    for path in [
        "/api/me",
        "/api/session",
        "/api/notes",
        "/api/organization",
        "/api/admin/users",
    ] {
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
    let token = app.token("user_ada", "Ada");
    let (status, note) = app.post("/api/notes", token, &json!({ "body": "milk" })).await;
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

#[tokio::test]
async fn note_of_an_organization_is_written_by_an_administrator_and_read_by_members() {
    let app = App::start().await;
    let note = json!({ "body": "the door code is 1234" });
    let path = "/api/organization/notes";
    let (status, refused) = app.post(path, app.member("user_bob", "org:member"), &note).await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::FORBIDDEN, &json!("role_required"))
    );
    let (status, written) = app.post(path, app.member("user_ada", "org:admin"), &note).await;
    assert_eq!((status, &written["body"]), (StatusCode::CREATED, &note["body"]));

    let page = app.get("/api/organization", Some(app.member("user_bob", "org:member")));
    let (status, page) = page.await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert_eq!(
        (&page["organization"]["name"], &page["membership"]["role"]),
        (&json!("Acme"), &json!("org:member"))
    );
    assert_eq!(page["notes"], json!([written]));
    // The first request that takes a membership writes its row.
    let _ = app
        .get("/api/organization", Some(app.member("user_ada", "org:admin")))
        .await;
    let page = app.get("/api/organization", Some(app.member("user_bob", "org:member")));
    let (_, page) = page.await;
    let members = page["members"].as_array().expect("a list").iter();
    let mut members: Vec<_> = members
        .map(|member| format!("{} {}", member["clerk_id"], member["role"]))
        .collect();
    members.sort();
    assert_eq!(
        members,
        [r#""user_ada" "org:admin""#, r#""user_bob" "org:member""#]
    );
}

#[tokio::test]
async fn organization_of_others_is_refused() {
    let app = App::start().await;
    let outsider = app.token("user_eve", "Eve");
    let (status, body) = app.get("/api/organization", Some(outsider)).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::FORBIDDEN, &json!("organization_required"))
    );
    let note = json!({ "body": "of Acme" });
    let acme = app.member("user_ada", "org:admin");
    app.post("/api/organization/notes", acme, &note).await;
    let other = app
        .member("user_eve", "org:admin")
        .organization("org_other", "org:admin");
    let (status, page) = app.get("/api/organization", Some(other)).await;
    assert_eq!((status, &page["notes"]), (StatusCode::OK, &json!([])));
}

#[tokio::test]
async fn removed_member_loses_the_organization_and_keeps_the_personal_pages() {
    let app = App::start().await;
    let token = || app.member("user_bob", "org:admin");
    assert_eq!(
        app.get("/api/organization", Some(token())).await.0,
        StatusCode::OK
    );
    app.deliver("organizationMembership.deleted", "user_bob", "org:admin")
        .await;
    let note = json!({ "body": "too late" });
    for (status, body) in [
        app.get("/api/organization", Some(token())).await,
        app.post("/api/organization/notes", token(), &note).await,
        app.get("/api/admin/users", Some(token())).await,
    ] {
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::FORBIDDEN, &json!("organization_changed"))
        );
    }
    for path in ["/api/me", "/api/notes", "/api/greeting"] {
        assert_eq!(app.get(path, Some(token())).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn role_of_a_webhook_counts_for_tokens_from_before() {
    let app = App::start().await;
    let token = || app.member("user_bob", "org:admin");
    assert_eq!(
        app.get("/api/organization", Some(token())).await.0,
        StatusCode::OK
    );
    app.deliver("organizationMembership.updated", "user_bob", "org:member")
        .await;
    let (status, page) = app.get("/api/organization", Some(token())).await;
    assert_eq!(
        (status, &page["membership"]["role"]),
        (StatusCode::OK, &json!("org:member"))
    );
    let note = json!({ "body": "too late" });
    let (status, _) = app.post("/api/organization/notes", token(), &note).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

/// A page of another site can send text without a preflight request, but not JSON.
#[tokio::test]
async fn outage_is_refused_to_pages_of_other_sites() {
    let database = database::open("sqlite::memory:").await.expect("it opens");
    let router = Router::from(trials::routes(database));
    for (content_type, expected) in [
        ("text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/json", StatusCode::NO_CONTENT),
    ] {
        let request = Request::post("/trials/outage").header(CONTENT_TYPE, content_type);
        let request = request.body(Body::from(r#"{"seconds": 0}"#)).expect("a request");
        let response = router.clone().oneshot(request).await.expect("a router answers");
        assert_eq!(response.status(), expected, "{content_type}");
    }
}
