//! Tests of authorization: each requirement of a handler, the agents that it denies, and the checks of a session by name.

#![cfg(feature = "testing")]

mod has;

use std::sync::LazyLock;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Request};
use clerk_auth::policy::{Denied, Policy, Requirement};
use clerk_auth::routing::{Router, get};
use clerk_auth::session::ActorKind;
use clerk_auth::testing::Issuer;
use clerk_auth::{Clerk, Session, authenticated};
use serde_json::{Value, json};
use tower::ServiceExt;

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://clerk.example.com"));

/// Returns the sessions of tokens with these claims, beside the claims of every token.
async fn sessions<const N: usize>(claims: [Value; N]) -> [Session; N] {
    let clerk = ISSUER.clerk();
    let mut sessions = Vec::new();
    for claims in claims {
        let token = ISSUER.token("user_ada").claims(claims).sign();
        let bearer = format!("Bearer {token}").parse().expect("a header value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        sessions.push(clerk.authenticate(&headers).await.expect("a session token"));
    }
    sessions.try_into().expect("one for each")
}

#[authenticated(role = "org:admin")]
async fn role() {}

#[authenticated(permission = "org:notes:read")]
async fn permission() {}

#[authenticated(feature = "org:notes")]
async fn feature() {}

#[authenticated(plan = "user:pro")]
async fn plan() {}

#[authenticated(reverification = "strict_mfa")]
async fn strict_mfa() {}

#[authenticated(reverification = "strict")]
async fn strict() {}

#[authenticated(reverification = "moderate")]
async fn moderate() {}

#[authenticated(reverification = "lax")]
async fn lax() {}

#[authenticated(impersonation = "deny")]
async fn impersonation() {}

#[authenticated(agent = "deny")]
async fn no_agent() {}

#[authenticated(any(agent = "deny", plan = "user:pro"))]
async fn no_agent_but_of_subscribers() {}

#[authenticated(agent = "allow")]
async fn agents_too() {}

#[authenticated(role = "org:admin", agent = "allow")]
async fn agents_of_administrators() {}

#[authenticated(role = "org:admin", plan = "user:pro")]
async fn both() {}

#[authenticated(all(role = "org:admin", plan = "user:pro"))]
async fn all() {}

#[authenticated(any(role = "org:admin", plan = "user:pro"))]
async fn any() {}

struct OfAcme;

impl Policy for OfAcme {
    const REQUIREMENT: Requirement = Requirement::SignedIn;

    fn evaluate(session: &Session) -> Result<(), Denied> {
        let is_ours = session.organization().is_some_and(|it| it.slug() == Some("acme"));
        if is_ours {
            Ok(())
        } else {
            Err(Denied::Requirements)
        }
    }
}

#[authenticated(policy = OfAcme)]
async fn policy() {}

#[authenticated]
async fn nothing() {}

/// Each argument denies with 403 and a code, and reverification with the body that Clerk's front-end hook reads.
#[tokio::test]
async fn each_argument_of_authenticated_is_a_requirement() {
    let app = Router::new()
        .route("/role", get(role))
        .route("/permission", get(permission))
        .route("/feature", get(feature))
        .route("/plan", get(plan))
        .route("/strict_mfa", get(strict_mfa))
        .route("/strict", get(strict))
        .route("/moderate", get(moderate))
        .route("/lax", get(lax))
        .route("/impersonation", get(impersonation))
        .route("/both", get(both))
        .route("/all", get(all))
        .route("/any", get(any))
        .route("/policy", get(policy))
        .route("/nothing", get(nothing))
        .with_state(ISSUER.clerk());

    let admin = json!({
        "o": { "id": "org_1", "slg": "acme", "rol": "admin", "per": "read", "fpm": "1" },
        "fea": "o:notes",
        "fva": [3, 20],
    });
    let subscriber =
        json!({ "pla": "u:pro", "fea": "u:notes", "fva": [2_000, 2_000], "act": { "sub": "user_eve" } });
    let owner = json!({ "o": { "id": "org_1", "rol": "admin" }, "pla": "u:pro", "fva": [0, 0] });
    for (path, code, of_admin, of_subscriber, of_owner) in [
        ("/role", "role_required", true, false, true),
        ("/permission", "permission_required", true, false, false),
        ("/feature", "feature_required", true, false, false),
        ("/plan", "plan_required", false, true, true),
        ("/strict_mfa", "reverification_required", false, false, true),
        ("/strict", "reverification_required", false, false, true),
        ("/moderate", "reverification_required", true, false, true),
        ("/lax", "reverification_required", true, false, true),
        ("/impersonation", "impersonation_denied", true, false, true),
        ("/policy", "requirements_not_met", true, false, false),
        ("/any", "requirements_not_met", true, true, true),
        ("/nothing", "", true, true, true),
    ] {
        for (claims, is_allowed) in [
            (&admin, of_admin),
            (&subscriber, of_subscriber),
            (&owner, of_owner),
        ] {
            let (status, document) = answer(&app, path, claims).await;
            let expected = if is_allowed {
                (200, &Value::Null)
            } else {
                (403, &json!(code))
            };
            assert_eq!((status, &document["code"]), expected, "{path} {claims}");
            let hint = (code == "reverification_required" && !is_allowed).then(|| {
                json!({
                    "type": "forbidden",
                    "reason": "reverification-error",
                    "metadata": { "reverification": path.trim_start_matches('/') },
                })
            });
            assert_eq!(document.get("clerk_error"), hint.as_ref(), "{path} {claims}");
        }
    }
    // The first unmet requirement is reported.
    for path in ["/both", "/all"] {
        for (claims, expected) in [
            (&admin, json!("plan_required")),
            (&subscriber, json!("role_required")),
            (&json!({}), json!("role_required")),
            (&owner, Value::Null),
        ] {
            let (_, document) = answer(&app, path, claims).await;
            assert_eq!(document["code"], expected, "{path} {claims}");
        }
    }
    let (_, document) = answer(&app, "/any", &json!({})).await;
    assert_eq!(document["code"], "requirements_not_met");
}

struct Handlers;

impl Handlers {
    const ROLE: &'static str = "org:admin";

    #[authenticated(role = "org:admin")]
    async fn literal(_: Session) {}

    #[authenticated(role = Self::ROLE)]
    async fn constant() {}
}

/// The longest name that is allowed.
const LONGEST: &str = "org:0123456789012345678901234567890123456789012345678901234567890123456789012345\
                       678901234567890123456789012345678901234567890123";

#[authenticated(role = LONGEST)]
async fn longest() {}

struct Listed<T>(T);

impl<T: Send + 'static> Listed<T> {
    #[authenticated(role = "org:admin")]
    async fn generic(_: Session) {}
}

trait Reports {
    #[authenticated(role = "org:admin")]
    async fn of_a_trait(_: Session) {}
}

impl Reports for Handlers {}

/// More requirements than the largest tuple of the library.
#[authenticated(any(
    plan = "a",
    plan = "b",
    plan = "c",
    plan = "d",
    plan = "e",
    plan = "f",
    plan = "g",
    plan = "h",
    plan = "i",
    plan = "j",
    plan = "k",
    plan = "l",
    plan = "m",
    plan = "n",
    plan = "o",
    plan = "p",
    plan = "q",
    role = "org:admin"
))]
async fn one_of_many() {}

#[authenticated(all(
    role = "org:admin",
    role = "org:admin",
    role = "org:admin",
    role = "org:admin",
    role = "org:admin",
    role = "org:admin",
    role = "org:admin",
    role = "org:admin",
    plan = "user:pro"
))]
async fn each_of_many() {}

/// The name may be a literal or a constant, and the handler may be in a module, an `impl` or a `trait`.
#[tokio::test]
async fn requirement_of_a_handler_holds_wherever_the_handler_is_written() {
    let app = Router::new()
        .route("/literal", get(Handlers::literal))
        .route("/constant", get(Handlers::constant))
        .route("/generic", get(Listed::<u8>::generic))
        .route("/of_a_trait", get(Handlers::of_a_trait))
        .route("/one_of_many", get(one_of_many))
        .route("/each_of_many", get(each_of_many))
        .route("/longest", get(longest))
        .with_state(ISSUER.clerk());
    let role = |role: &str, plan: &str| json!({ "o": { "id": "org_1", "rol": role }, "pla": plan });
    let admin = role("admin", "u:pro");
    for path in [
        "/literal",
        "/constant",
        "/generic",
        "/of_a_trait",
        "/one_of_many",
        "/each_of_many",
    ] {
        let (status, _) = answer(&app, path, &admin).await;
        assert_eq!(status, 200, "{path}");
        let (status, document) = answer(&app, path, &role("member", "u:pro")).await;
        let code = if path == "/one_of_many" {
            "requirements_not_met"
        } else {
            "role_required"
        };
        assert_eq!((status, &document["code"]), (403, &json!(code)), "{path}");
    }
    let (_, document) = answer(&app, "/each_of_many", &role("admin", "u:free")).await;
    assert_eq!(document["code"], "plan_required");
    assert_eq!(LONGEST.len(), 128);
    for (name, expected) in [(LONGEST, 200), (&LONGEST[..127], 403)] {
        let name = name.strip_prefix("org:").expect("a role");
        assert_eq!(
            answer(&app, "/longest", &role(name, "u:pro")).await.0,
            expected,
            "{name}"
        );
    }
}

/// An actor of an unknown kind is denied like an agent; a person who impersonates the user is not.
#[tokio::test]
async fn agents_are_denied_where_a_handler_or_the_handle_denies_them() {
    let routes = || {
        Router::new()
            .route("/deny", get(no_agent))
            .route("/any", get(no_agent_but_of_subscribers))
            .route("/impersonation", get(impersonation))
            .route("/nothing", get(nothing))
            .route("/allow", get(agents_too))
            .route("/role", get(agents_of_administrators))
    };
    let strict = Clerk::builder()
        .issuer(ISSUER.url())
        .jwt_key(ISSUER.public_key_pem())
        .deny_agents()
        .build()
        .expect("the configuration is right");
    let lenient = routes().with_state(ISSUER.clerk());
    let strict = routes().with_state(strict);
    let act = |kind: Value| json!({ "act": { "sub": "x", "type": kind } });
    let agent = "agent_denied";
    for claims in [
        act(json!("agent")),
        act(json!("Agent")),
        act(json!("")),
        act(json!("robot")),
    ] {
        for (path, by_default, if_denied) in [
            ("/deny", agent, agent),
            ("/any", "requirements_not_met", agent),
            ("/impersonation", "impersonation_denied", agent),
            ("/nothing", "", agent),
            ("/allow", "", ""),
            ("/role", "role_required", "role_required"),
        ] {
            for (app, code) in [(&lenient, by_default), (&strict, if_denied)] {
                let (status, document) = answer(app, path, &claims).await;
                let expected = if code.is_empty() { 200 } else { 403 };
                assert_eq!(
                    (status, document["code"].as_str()),
                    (expected, Some(code).filter(|code| !code.is_empty())),
                    "{path} {claims}"
                );
            }
        }
    }
    // An agent among the prior actors does not act (RFC 8693, section 4.1).
    let person = json!({ "act": { "sub": "user_eve", "act": { "sub": "agent_1", "type": "agent" } } });
    for claims in [json!({}), person, act(Value::Null)] {
        for app in [&lenient, &strict] {
            for path in ["/deny", "/nothing", "/allow"] {
                assert_eq!(answer(app, path, &claims).await.0, 200, "{path} {claims}");
            }
        }
    }
}

#[tokio::test]
async fn actor_has_an_id_and_a_kind() {
    let act =
        |kind: Value| json!({ "act": { "sub": "x", "type": kind, "iss": "https://clerk.example.com" } });
    let claims = [
        act(Value::Null),
        json!({ "act": { "sub": "x" } }),
        act(json!("agent")),
        act(json!("user")),
    ];
    let kinds = [
        ActorKind::Person,
        ActorKind::Person,
        ActorKind::Agent,
        ActorKind::Other,
    ];
    for (session, kind) in sessions(claims).await.iter().zip(kinds) {
        let actor = session.actor().expect("somebody acts");
        assert_eq!((actor.id(), actor.kind()), ("x", kind));
        assert_eq!(session.impersonator(), Some("x"));
    }
    let [alone, null] = sessions([json!({}), json!({ "act": null })]).await;
    assert!(alone.actor().is_none() && null.actor().is_none());
}

/// Returns the status and the document; a body that is not JSON is null.
async fn answer(app: &Router, path: &str, claims: &Value) -> (u16, Value) {
    let token = ISSUER.token("user_ada").claims(claims.clone()).sign();
    let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::empty()).expect("a request");
    let response = app.clone().oneshot(request).await.expect("infallible");
    // The response does not request a sign-in, because the user is signed in.
    assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
