//! Tests of the stand-in's directory and settings, by requests and from Rust.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{COOKIE, HOST, SET_COOKIE};
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::claim::{Expression, TemplateClaim};
use clerk_auth::dev::{Minter, StandIn, StandInError};
use clerk_auth::{SyncedOrganization, SyncedRow};
use serde_json::{Value, json};
use tower::ServiceExt;

fn stand_in() -> StandIn {
    StandIn::new("http://127.0.0.1:3000", &[]).expect("loopback")
}

fn app(stand_in: &StandIn) -> Router {
    Router::new().nest("/dev", stand_in.router())
}

/// Returns the status, the body and the cookies of an answer.
async fn answer(
    app: &Router,
    method: Method,
    path: &str,
    body: &str,
    cookie: &str,
) -> (StatusCode, Value, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "127.0.0.1:3000")
        .header(COOKIE, cookie);
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let response = app.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let cookies = parts.headers.get_all(SET_COOKIE).iter();
    let cookies: Vec<&str> = cookies
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .collect();
    let text = to_bytes(body, 1_000_000).await.expect("a body");
    let body =
        serde_json::from_slice(&text).unwrap_or_else(|_| String::from_utf8_lossy(&text).into_owned().into());
    (parts.status, body, cookies.join("; "))
}

fn directory() -> Value {
    json!({
        "users": [
            { "id": "user_ada", "email": "ada@example.com", "public_metadata": { "role": "editor" } },
            { "id": "user_bob", "email": null, "username": "bob" },
        ],
        "organizations": [
            { "id": "org_acme", "name": "Acme", "slug": "acme", "members": [
                { "user_id": "user_ada", "role": "org:admin", "permissions": ["org:notes:write"] },
            ]},
        ],
    })
}

#[tokio::test]
async fn directory_is_returned_as_it_was_set_and_can_be_set_again() {
    let stand_in = stand_in();
    stand_in.set_directory(directory()).expect("a directory");
    let app = app(&stand_in);
    let (_, first, _) = answer(&app, Method::GET, "/dev/directory", "", "").await;
    assert_eq!(first["organizations"], directory()["organizations"]);
    assert_eq!(first["users"][0]["public_metadata"], json!({ "role": "editor" }));
    assert_eq!(first["users"][1]["email_addresses"], json!([]));
    let (status, _, _) = answer(&app, Method::PUT, "/dev/directory", "", "").await;
    assert_eq!(status, StatusCode::OK);
    let (_, empty, _) = answer(&app, Method::GET, "/dev/directory", "", "").await;
    assert_eq!(empty, json!({ "users": [], "organizations": [] }));
    let (status, again, _) = answer(&app, Method::PUT, "/dev/directory", &first.to_string(), "").await;
    assert_eq!((status, again), (StatusCode::OK, first));
}

#[tokio::test]
async fn mistake_in_a_directory_is_named_and_changes_nothing() {
    let stand_in = stand_in();
    stand_in.set_directory(directory()).expect("a directory");
    let app = app(&stand_in);
    let (_, before, _) = answer(&app, Method::GET, "/dev/directory", "", "").await;
    for (mistake, named) in [
        (json!({ "user": [] }), "`user`"),
        (
            json!({ "users": ["user_ada"] }),
            "/users/0: expected a user object",
        ),
        (
            json!({ "users": [{ "id": "" }] }),
            "/users/0: expected a text `id`",
        ),
        (
            json!({ "users": [{ "id": 7 }] }),
            "/users/0: expected a text `id`",
        ),
        (
            json!({ "users": [{ "id": "user_a", "email": 7 }] }),
            "`email`, found 7",
        ),
        (
            json!({ "users": [{ "id": "user_a" }, { "id": "user_a" }] }),
            "/users/1: \"user_a\" appears twice",
        ),
        (json!({ "organizations": [{ "name": "Acme" }] }), "`id`"),
        (
            json!({ "organizations": [{ "id": "org_a" }, { "id": "org_a" }] }),
            "/organizations/1: `org_a` appears twice",
        ),
        (
            json!({ "organizations": [{ "id": "org_a", "members": [{ "user_id": "user_x", "role": "org:admin" }] }] }),
            "/organizations/0/members: `user_x` is not a user",
        ),
        (
            json!({ "organizations": [{ "id": "org_a", "members": [{ "user_id": "user_x" }] }] }),
            "`role`",
        ),
    ] {
        let (status, problem, _) =
            answer(&app, Method::PUT, "/dev/directory", &mistake.to_string(), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{mistake}");
        assert!(
            problem.to_string().replace('\\', "").contains(named),
            "{mistake}: {problem}"
        );
        let error = stand_in.set_directory(mistake).expect_err(named);
        assert!(
            matches!(&error, StandInError::Directory(text) if text.contains(named)),
            "{error}"
        );
        let (_, after, _) = answer(&app, Method::GET, "/dev/directory", "", "").await;
        assert_eq!(after, before);
    }
}

#[test]
fn file_that_cannot_be_used_is_named() {
    let folder = std::env::temp_dir();
    let file = folder.join(format!("directory-{}.json", std::process::id()));
    let stand_in = stand_in();
    let message = stand_in.load_directory(&file).expect_err("no file").to_string();
    assert!(message.contains(&*file.to_string_lossy()), "{message}");
    std::fs::write(&file, r#"{"users": [{}]}"#).expect("the folder can be written");
    let message = stand_in.load_directory(&file).expect_err("no id").to_string();
    std::fs::write(&file, directory().to_string()).expect("the folder can be written");
    let loaded = stand_in.load_directory(&file);
    std::fs::remove_file(&file).expect("it was written");
    assert!(
        message.contains("/users/0") && message.contains(&*file.to_string_lossy()),
        "{message}"
    );
    loaded.expect("a directory");
}

#[tokio::test]
async fn settings_are_changed_by_requests_and_from_rust() {
    let stand_in = stand_in();
    let app = app(&stand_in);
    let (_, settings, _) = answer(&app, Method::GET, "/dev/settings", "", "").await;
    assert_eq!(
        (&settings["minter"], &settings["token_lifetime"]),
        (&json!("origin"), &json!(60))
    );
    assert_eq!(settings["publishable_key"], stand_in.publishable_key());
    assert_eq!(settings["proxy_url"], "http://127.0.0.1:3000/dev/clerk");
    let change = r#"{"minter": "edge", "token_lifetime": 20}"#;
    let (_, settings, _) = answer(&app, Method::POST, "/dev/settings", change, "").await;
    assert_eq!(
        (&settings["minter"], &settings["token_lifetime"]),
        (&json!("edge"), &json!(20))
    );
    let (_, environment, _) = answer(&app, Method::GET, "/dev/clerk/v1/environment", "", "").await;
    assert_eq!(environment["auth_config"]["session_minter"], true);
    stand_in.set_minter(Minter::Origin);
    stand_in.set_token_lifetime(Duration::from_secs(30));
    let (_, settings, _) = answer(&app, Method::GET, "/dev/settings", "", "").await;
    assert_eq!(
        (&settings["minter"], &settings["token_lifetime"]),
        (&json!("origin"), &json!(30))
    );
    for mistake in [
        r#"{"minter": "cloud"}"#,
        r#"{"lifetime": 20}"#,
        "\"edge\"",
        r#"{"token_lifetime": "20"}"#,
    ] {
        let (status, _, _) = answer(&app, Method::POST, "/dev/settings", mistake, "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{mistake}");
    }
}

/// The stand-in's Backend API lists organizations and memberships in pages, and can be configured without
/// organizations.
#[tokio::test]
async fn backend_api_lists_organizations_and_memberships_unless_they_are_switched_off() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    let stand_in = StandIn::new(&origin, &[]).expect("loopback");
    let app = app(&stand_in);
    let served = app.clone();
    let server = tokio::spawn(async move { drop(axum::serve(listener, served).await) });
    let members: Vec<Value> = (0..12)
        .map(|number| json!({ "user_id": format!("user_{number}"), "role": "org:member" }))
        .collect();
    let users: Vec<Value> = (0..12)
        .map(|number| json!({ "id": format!("user_{number}") }))
        .collect();
    let directory = json!({
        "users": users,
        "organizations": [
            { "id": "org_1", "name": "First", "members": members },
            { "id": "org_2", "name": "Second", "members": [members[0]] },
        ],
    });
    let (status, _, _) = answer(&app, Method::PUT, "/dev/directory", &directory.to_string(), "").await;
    assert_eq!(status, StatusCode::OK);
    let api = BackendApi::with_base_url(&format!("{origin}/dev"), "sk_test_stand_in").expect("an address");
    assert_eq!(api.organization_count().await.expect("it counts"), 2);
    assert_eq!(api.membership_count().await.expect("it counts"), 13);
    let organizations = api.organizations(0, 500).await.expect("a page");
    assert_eq!(
        (&organizations[0]["name"], &organizations[0]["members_count"]),
        (&json!("First"), &json!(12))
    );
    let mut ids = Vec::new();
    for offset in [0, 5, 10] {
        let page = api.memberships(offset, 5).await.expect("a page");
        ids.extend(page.iter().map(|membership| membership["id"].to_string()));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 13);
    let (_, settings, _) = answer(
        &app,
        Method::POST,
        "/dev/settings",
        r#"{"organizations": false}"#,
        "",
    )
    .await;
    assert_eq!(settings["organizations"], false);
    for refused in [api.organizations(0, 5).await, api.memberships(0, 5).await] {
        assert!(
            matches!(&refused, Err(BackendApiError::OrganizationsDisabled { status: 403, code })
                if code == "organization_not_enabled_in_instance"),
            "{refused:?}"
        );
    }
    server.abort();
}

/// A browser cannot use the session of another browser, and can use a ticket only once.
#[tokio::test]
async fn session_belongs_to_its_browser() {
    let stand_in = stand_in();
    stand_in.set_directory(directory()).expect("a directory");
    let app = app(&stand_in);
    let (_, ticket, _) = answer(
        &app,
        Method::POST,
        "/dev/tickets",
        r#"{"user_id": "user_bob"}"#,
        "",
    )
    .await;
    let form = format!(
        "strategy=ticket&ticket={}",
        ticket["ticket"].as_str().expect("a ticket")
    );
    let sign_ins = "/dev/clerk/v1/client/sign_ins";
    let (status, answer_of, own) = answer(&app, Method::POST, sign_ins, &form, "").await;
    assert_eq!(status, StatusCode::OK, "{answer_of}");
    let (status, _, other) = answer(&app, Method::POST, sign_ins, &form, "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let session = answer_of["response"]["created_session_id"]
        .as_str()
        .expect("an id");
    let tokens = format!("/dev/clerk/v1/client/sessions/{session}/tokens");
    let (status, _, _) = answer(&app, Method::POST, &tokens, "", &own).await;
    assert_eq!(status, StatusCode::OK);
    for cookies in ["", &other, "__client_x=client_y"] {
        let (status, problem, _) = answer(&app, Method::POST, &tokens, "", cookies).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{cookies}: {problem}");
    }
    let form = "organization_id=org_acme";
    let (status, _, _) = answer(&app, Method::POST, &tokens, form, &own).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "of an organization of others");
}

#[expect(dead_code, reason = "only its template is used")]
#[derive(SyncedOrganization)]
#[synced_organization(
    table = "organizations",
    template_json = r#"{"orgName": "{{org.name}}", "orgSlug": "{{org.slug}}"}"#,
    database(postgres)
)]
struct Organization {
    clerk_id: String,
    name: String,
    slug: Option<String>,
}

/// Returns the claims of a token about the organization.
fn organization_claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let claims: Value = serde_json::from_slice(&payload).expect("JSON");
    json!([
        claims["o"]["id"],
        claims["orgName"],
        claims["orgSlug"],
        claims["orgRole"]
    ])
}

#[tokio::test]
async fn token_has_the_claims_of_the_active_organization() {
    const ROLE: &[TemplateClaim] = &[TemplateClaim::new("orgRole", Expression::Shortcode("org.role"))];
    let stand_in = stand_in()
        .organization_template(Organization::TEMPLATE)
        .organization_template(ROLE);
    stand_in.set_directory(directory()).expect("a directory");
    let app = app(&stand_in);
    let user = r#"{"user_id": "user_ada"}"#;
    let (_, ticket, _) = answer(&app, Method::POST, "/dev/tickets", user, "").await;
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let form = format!("strategy=ticket&ticket={ticket}");
    let (_, signed_in, own) = answer(&app, Method::POST, "/dev/clerk/v1/client/sign_ins", &form, "").await;
    let session = signed_in["response"]["created_session_id"]
        .as_str()
        .expect("an id");
    let tokens = format!("/dev/clerk/v1/client/sessions/{session}/tokens");
    for (form, expected) in [
        (
            "organization_id=org_acme",
            json!(["org_acme", "Acme", "acme", "org:admin"]),
        ),
        ("organization_id=", json!([null, null, null, null])),
    ] {
        let (_, token, _) = answer(&app, Method::POST, &tokens, form, &own).await;
        let token = token["jwt"].as_str().expect("a token");
        assert_eq!(organization_claims(token), expected, "{form}");
    }
    for (id, slug, name) in [("org_acme", "acme", "Acme"), ("org_new", "fresh", "new")] {
        let body = json!({ "user_id": "user_ada", "org": { "id": id, "slug": slug, "role": "org:admin" } });
        let (status, token, _) = answer(&app, Method::POST, "/dev/token", &body.to_string(), "").await;
        assert_eq!(status, StatusCode::OK, "{token}");
        let token = token.as_str().map_or_else(|| token["token"].as_str(), Some);
        let claims = organization_claims(token.expect("a token").trim());
        assert_eq!(claims, json!([id, name, slug, "org:admin"]));
    }
}
