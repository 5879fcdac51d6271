//! Tests of a member who has left an organization: the codes of requirements, and the session that a policy receives.

#![cfg(feature = "testing")]

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use clerk_auth::id::{OrganizationId, UserId};
use clerk_auth::policy::{Denied, Requirement};
use clerk_auth::testing::{Issuer, SessionToken};
use clerk_auth::{Clerk, Session};

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://clerk.example.com"));

fn token() -> SessionToken<'static> {
    ISSUER
        .token("user_ada")
        .organization("org_1", "org:admin")
        .permissions(["org:notes:write"])
        .feature("o:reports")
        .feature("u:export")
        .plan("o:pro")
}

async fn session(clerk: &Clerk, token: &str) -> Session {
    let bearer = format!("Bearer {token}").parse().expect("a header value");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    clerk.authenticate(&headers).await.expect("a session token")
}

fn leave(clerk: &Clerk, user: &str, organization: &str) {
    clerk.deny_membership(&UserId::new(user), &OrganizationId::new(organization));
}

#[tokio::test]
async fn requirement_that_a_new_token_may_settle_has_the_code_organization_changed() {
    use Requirement::{Any, Feature, ImpersonationDenied, Permission, Plan, Role};
    const CHANGED: Result<(), Denied> = Err(Denied::OrganizationChanged);
    let clerk = ISSUER.clerk();
    let token = token().sign();
    let before = session(&clerk, &token).await;
    leave(&clerk, "user_ada", "org_1");
    let after = session(&clerk, &token).await;
    for (requirement, expected) in [
        (Requirement::SignedIn, Ok(())),
        (ImpersonationDenied, Ok(())),
        (Role("org:admin"), CHANGED),
        // The user may have got this role since.
        (Role("org:owner"), CHANGED),
        (Permission("org:notes:write"), CHANGED),
        (Permission("org:notes:delete"), CHANGED),
        (Feature("reports"), CHANGED),
        (Feature("org:reports"), CHANGED),
        (Feature("notes"), CHANGED),
        (Plan("pro"), CHANGED),
        // A feature or plan of the user alone is unchanged.
        (Feature("export"), Ok(())),
        (Feature("user:reports"), Err(Denied::Feature("user:reports"))),
        (Feature("audit"), Err(Denied::Feature("audit"))),
        (Plan("user:pro"), Err(Denied::Plan("user:pro"))),
        (
            Requirement::All(&[ImpersonationDenied, Role("org:admin")]),
            CHANGED,
        ),
        (Any(&[Role("org:admin"), Feature("export")]), Ok(())),
        (Any(&[Plan("user:pro"), Role("org:admin")]), CHANGED),
        (
            Any(&[Plan("user:pro"), Feature("audit")]),
            Err(Denied::Requirements),
        ),
    ] {
        assert_eq!(requirement.evaluate(&after), expected, "{requirement:?}");
    }
    // A session from before the event belongs to the request that was verified then.
    assert_eq!(Role("org:admin").evaluate(&before), Ok(()));
    assert_eq!(
        Role("org:owner").evaluate(&before),
        Err(Denied::Role("org:owner"))
    );
    assert_eq!(Denied::OrganizationChanged.code(), "organization_changed");
}

#[tokio::test]
async fn only_the_membership_that_was_named_has_ended() {
    let clerk = ISSUER.clerk();
    leave(&clerk, "user_ada", "org_2");
    leave(&clerk, "user_bob", "org_1");
    leave(&clerk, "org_1", "user_ada");
    leave(&clerk, "", "");
    let ada = session(&clerk, &token().sign()).await;
    assert!(ada.has_role("org:admin") && !ada.has_left_organization());
    let none = session(&clerk, &ISSUER.token("user_bob").sign()).await;
    assert!(none.organization().is_none() && !none.has_left_organization());
    // Another handle has separate denials.
    leave(&clerk, "user_ada", "org_1");
    let other = session(&ISSUER.clerk(), &token().sign()).await;
    assert!(other.has_role("org:admin"));
}

mod answers {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use clerk_auth::authenticated;
    use clerk_auth::extract::Rejection;
    use clerk_auth::middleware::RequireSession;
    use clerk_auth::policy::Policy;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    /// A policy that reads the session itself.
    struct OfOne;

    impl Policy for OfOne {
        const REQUIREMENT: Requirement = Requirement::SignedIn;

        fn evaluate(session: &Session) -> Result<(), Denied> {
            let slug = session.organization().and_then(|it| it.slug());
            (slug == Some("1")).then_some(()).ok_or(Denied::Requirements)
        }
    }

    /// A policy that denies every organization.
    struct Nobody;

    impl Policy for Nobody {
        const REQUIREMENT: Requirement = Requirement::SignedIn;

        fn evaluate(_: &Session) -> Result<(), Denied> {
            Err(Denied::Requirements)
        }
    }

    #[authenticated(policy = OfOne)]
    async fn of_one() {}

    #[authenticated(policy = Nobody)]
    async fn nobody() {}

    #[authenticated(role = "org:admin")]
    async fn role() {}

    #[authenticated(permission = "org:notes:write")]
    async fn permission() {}

    #[authenticated(feature = "reports")]
    async fn feature() {}

    #[authenticated(any(role = "org:admin", plan = "org:pro"))]
    async fn any() {}

    #[authenticated(role = "org:admin")]
    async fn visitor_or_not(_: Session) {}

    #[authenticated]
    async fn personal(_: Session) {}

    #[authenticated]
    async fn optional(_: Option<Session>) {}

    #[authenticated]
    async fn in_the_body(session: Session) -> Result<(), Rejection> {
        match session.organization() {
            Some(_) => Ok(()),
            None if session.has_left_organization() => Err(Rejection::Denied(Denied::OrganizationChanged)),
            None => Err(Rejection::Denied(Denied::Requirements)),
        }
    }

    async fn answer(app: &axum::Router, path: &str, token: &str) -> (u16, String) {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).expect("a request");
        let response = app.clone().oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        (status, document["code"].as_str().unwrap_or_default().to_owned())
    }

    #[tokio::test]
    async fn handler_that_requires_the_organization_answers_403_and_others_as_before() {
        let clerk = ISSUER.clerk();
        let layer = || RequireSession::new(clerk.clone());
        let app = axum::Router::new()
            .route("/of-one", get(of_one))
            .route("/nobody", get(nobody))
            .route("/role", get(role))
            .route("/permission", get(permission))
            .route("/feature", get(feature))
            .route("/any", get(any))
            .route("/visitor-or-not", get(visitor_or_not))
            .route("/personal", get(personal))
            .route("/optional", get(optional))
            .route("/in-the-body", get(in_the_body))
            .route("/layer", get(async || ()).layer(layer()))
            .route("/layer/of-one", get(async || ()).layer(layer().policy::<OfOne>()))
            .with_state(clerk.clone());
        let token = token().sign();
        let changed = (403, "organization_changed".to_owned());
        let denied = (403, "requirements_not_met".to_owned());
        let served = (200, String::new());
        let table = [
            ("/of-one", &served, &changed),
            ("/nobody", &denied, &denied),
            ("/role", &served, &changed),
            ("/permission", &served, &changed),
            ("/feature", &served, &changed),
            ("/any", &served, &changed),
            ("/visitor-or-not", &served, &changed),
            ("/personal", &served, &served),
            ("/optional", &served, &served),
            ("/in-the-body", &served, &changed),
            ("/layer", &served, &served),
            ("/layer/of-one", &served, &changed),
        ];
        for (path, before, _) in table {
            assert_eq!(answer(&app, path, &token).await, *before, "{path}");
        }
        leave(&clerk, "user_ada", "org_1");
        for (path, _, after) in table {
            assert_eq!(answer(&app, path, &token).await, *after, "{path}");
        }
    }
}
