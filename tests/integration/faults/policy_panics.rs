//! A panic in the application's policy only fails its request, wherever the policy is called.

use std::panic::panic_any;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::AUTHORIZATION;
use clerk_auth::extract::Authenticated;
use clerk_auth::id::{OrganizationId, UserId};
use clerk_auth::middleware::RequireSession;
use clerk_auth::policy::{Denied, Policy, Requirement};
use clerk_auth::routing::{Router as GuardedRouter, get};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::{Clerk, Session, authenticated};
use clerk_auth_tests::log::Log;
use clerk_auth_tests::profiles::issuer;
use serde_json::Value;
use tower::ServiceExt;

/// A payload whose destructor panics too.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the application panics in the payload's Drop");
    }
}

struct Fragile;

impl Policy for Fragile {
    const REQUIREMENT: Requirement = Requirement::SignedIn;

    fn evaluate(session: &Session) -> Result<(), Denied> {
        match session.user_id().as_str() {
            "user_panic" => panic!("the application panics in a policy"),
            "user_bomb" => panic_any(Bomb),
            // The second call has the claims of the token.
            "user_left" if session.has_left_organization() => Err(Denied::Requirements),
            "user_left" => panic!("the application panics in the second call"),
            "user_denied" => Err(Denied::Requirements),
            _ => Ok(()),
        }
    }
}

#[authenticated(policy = Fragile)]
async fn strict(session: Session) -> String {
    session.user_id().to_string()
}

async fn lenient(it: Authenticated<Option<Session>, Fragile>) -> String {
    it.subject
        .map_or_else(String::new, |session| session.user_id().to_string())
}

fn app(clerk: &Clerk) -> Router {
    let layered = Router::new()
        .route("/layered", axum::routing::get(async || "reached"))
        .layer(RequireSession::new(clerk.clone()).policy::<Fragile>());
    let guarded: GuardedRouter<Clerk> = GuardedRouter::new().route("/guarded", get(strict));
    Router::new()
        .route("/extracted", axum::routing::get(strict))
        .route("/optional", axum::routing::get(lenient))
        .merge(Router::from(guarded))
        .with_state(clerk.clone())
        .merge(layered)
}

#[tokio::test]
async fn panic_of_a_policy_costs_one_request() {
    let log = Log::default();
    let _subscriber = tracing::subscriber::set_default(log.clone());
    let clerk = issuer().clerk();
    let router = app(&clerk);
    // Before the end of the membership.
    let read_at = Timestamp::from_secs(SystemClock.now().as_secs() - 5);
    let answer = async |path: &str, user_id: &str| {
        let token = issuer()
            .token(user_id)
            .organization("org_a", "org:member")
            .issued_at(read_at)
            .sign();
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).expect("it is a request");
        let response = router.clone().oneshot(request).await.expect("it answers");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    };
    clerk.deny_membership(&UserId::new("user_left"), &OrganizationId::new("org_a"));
    for path in ["/extracted", "/optional", "/guarded", "/layered"] {
        for user_id in ["user_panic", "user_bomb", "user_left", "user_panic"] {
            log.take();
            let failed = answer(path, user_id).await;
            assert_eq!(failed, (500, "service_failed".to_owned()), "{path} {user_id}");
            let lines = log.take();
            let is_about = |line: &String| line.contains(user_id) && line.contains("policy panicked");
            assert_eq!(
                lines.iter().filter(|line| is_about(line)).count(),
                1,
                "{lines:#?}"
            );
            assert!(!lines.concat().contains("the application panics"), "{lines:#?}");

            assert_eq!(answer(path, "user_ada").await, (200, String::new()), "{path}");
        }
        let denied = answer(path, "user_denied").await;
        assert_eq!(denied, (403, "requirements_not_met".to_owned()), "{path}");
    }
}
