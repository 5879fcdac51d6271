//! Events about memberships correct the claims of older tokens, and nothing else.

mod history;
mod order;

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::Session;
use clerk_auth::claim::Claim;
use clerk_auth::id::{OrganizationId, UserId};
use clerk_auth::routing::webhooks;
use clerk_auth::testing::{SessionToken, SignedDelivery, event, membership_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Profiles, token};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::denials::events::start;

on_both_databases!(
    one_membership_of_several_is_corrected,
    end_of_an_organization_ends_every_membership,
    change_gives_the_role_and_the_permissions_of_the_event,
    version_1_tokens_are_corrected_alike,
    permissions_stay_within_the_plan_of_the_organization,
    end_by_the_application_is_one_by_webhook,
    restarted_process_corrects_the_same_tokens,
);

pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Returns the data of an event: a role and its permissions in `org_1`.
pub(crate) fn member(user_id: &str, role: &str, permissions: &[&str], updated_at: Timestamp) -> Value {
    let mut member = membership_object(user_id, "org_1", role, updated_at);
    member["permissions"] = json!(permissions);
    member
}

/// Creates a delivery, sent now, of an event that happened earlier.
pub(crate) fn delivery(
    profiles: &Profiles,
    kind: &str,
    data: Value,
    happened_at: Timestamp,
) -> SignedDelivery {
    let event = event(&format!("organizationMembership.{kind}"), data, happened_at);
    SignedDelivery::new(SECRET, &event, profiles.clock.now())
}

pub(crate) async fn send(profiles: &Profiles, delivery: &SignedDelivery) -> StatusCode {
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let router: Router = Router::new().route("/", webhooks(&profiles.users, verifier));
    let answer = router.oneshot(delivery.request("/")).await;
    answer.expect("a router answers").status()
}

pub(crate) async fn apply(profiles: &Profiles, kind: &str, data: Value, happened_at: Timestamp) {
    let delivery = delivery(profiles, kind, data, happened_at);
    assert_eq!(send(profiles, &delivery).await, StatusCode::NO_CONTENT, "{kind}");
}

/// Creates a token of an administrator in `org_1` who may write notes.
pub(crate) fn admin(user_id: &str, read_at: Timestamp) -> SessionToken<'static> {
    token(user_id, "Ada", 100)
        .organization("org_1", "org:admin")
        .permissions(["org:notes:write"])
        .claims_read_at(read_at)
}

/// The role and the permissions that [`admin`] claims.
pub(crate) const AS_CLAIMED: &str = "org:admin org:notes:write";

/// Returns the role and the permissions of a session; empty without an organization.
pub(crate) fn held(session: &Session) -> String {
    let Some(organization) = session.organization() else {
        return String::new();
    };
    let mut held: Vec<&str> = organization.permissions().collect();
    held.sort_unstable();
    held.insert(0, organization.role().unwrap_or("-"));
    held.join(" ")
}

pub(crate) async fn holds(profiles: &Profiles, token: SessionToken<'_>) -> String {
    held(&profiles.session(token).await)
}

/// Returns a function for times around the start of the current second, in milliseconds.
pub(crate) fn around(profiles: &Profiles) -> impl Fn(i64) -> Timestamp + use<> {
    let second = profiles.clock.now().as_secs() * 1_000;
    move |milliseconds| Timestamp::from_millis(second + milliseconds)
}

async fn one_membership_of_several_is_corrected(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let elsewhere = |user_id: &str| {
        let token = token(user_id, "Ada", 100).claims_read_at(at(-20_000));
        token.organization("org_2", "org:admin")
    };
    let removed = member("user_ada", "org:admin", &[], at(-90_000));
    apply(&profiles, "deleted", removed, at(-10_000)).await;
    let personal = token("user_ada", "Ada", 100)
        .claims_read_at(at(-20_000))
        .feature("o:notes")
        .feature("uo:export")
        .feature("u:sync")
        .plan("o:pro")
        .organization("org_1", "org:admin");
    for (token, expected) in [
        (admin("user_ada", at(-20_000)), ""),
        (elsewhere("user_ada"), "org:admin"),
        (admin("user_bob", at(-20_000)), AS_CLAIMED),
        // The two ids of a membership cannot be confused.
        (
            token("user_ad", "Ada", 100).organization("aorg_1", "org:admin"),
            "org:admin",
        ),
    ] {
        assert_eq!(holds(&profiles, token).await, expected);
    }
    let session = profiles.session(personal).await;
    assert!(session.has_left_organization());
    for (feature, expected) in [
        ("notes", false),
        ("org:notes", false),
        ("org:export", false),
        ("export", true),
        ("user:export", true),
        ("sync", true),
    ] {
        assert_eq!(session.has_feature(feature), expected, "{feature}");
    }
    assert!(!session.has_plan("pro") && !session.has_plan("o:pro"));
    let row = profiles
        .users
        .sync(&session)
        .await
        .expect("the user has a row as before");
    assert_eq!(row.user.clerk_id, "user_ada");
}

async fn end_of_an_organization_ends_every_membership(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let gone = json!({ "object": "organization", "id": "org_1", "slug": "one", "deleted": true });
    let delivery = |happened_at| {
        let event = event("organization.deleted", gone.clone(), happened_at);
        SignedDelivery::new(SECRET, &event, profiles.clock.now())
    };
    for happened_at in [at(-10_000), at(-10_000), at(-15_000)] {
        assert_eq!(
            send(&profiles, &delivery(happened_at)).await,
            StatusCode::NO_CONTENT
        );
    }
    // A late event of a member restores nothing.
    let late = member("user_7", "org:admin", &[], at(-12_000));
    apply(&profiles, "updated", late, at(-12_000)).await;
    let restarted = start(&database).await;
    for process in [&profiles, &restarted] {
        for number in 0..20 {
            let user_id = format!("user_{number}");
            assert_eq!(
                holds(process, admin(&user_id, at(-20_000))).await,
                "",
                "{user_id}"
            );
        }
        let other = token("user_7", "Ada", 1).organization("org_2", "org:member");
        assert_eq!(
            holds(process, other.claims_read_at(at(-20_000))).await,
            "org:member"
        );
    }
}

async fn change_gives_the_role_and_the_permissions_of_the_event(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    for (number, (role, permissions, expected)) in [
        // Metadata alone has changed.
        (json!("org:admin"), json!(["org:notes:write"]), AS_CLAIMED),
        (
            json!("org:admin"),
            json!(["org:sys_profile:manage", "org:notes:write", "org:notes:write"]),
            AS_CLAIMED,
        ),
        // A very old instance writes no prefix.
        (json!("admin"), json!(["org:notes:write"]), AS_CLAIMED),
        // Without permissions, but with the role that the token has.
        (json!("org:admin"), Value::Null, AS_CLAIMED),
        (
            json!("org:member"),
            json!(["org:notes:read"]),
            "org:member org:notes:read",
        ),
        (json!("org:member"), json!([]), "org:member"),
        (json!("org:admin"), json!([]), "org:admin"),
        (
            json!("org:admin"),
            json!(["org:notes:write", "org:team:invite"]),
            "org:admin org:notes:write org:team:invite",
        ),
        // Permissions of an unknown kind grant nothing where the role differs.
        (json!("org:member"), Value::Null, "org:member"),
        (json!("org:member"), json!("org:notes:write"), "org:member"),
        (
            json!("org:member"),
            json!([7, "org:notes:read", null]),
            "org:member org:notes:read",
        ),
        // An unreadable role counts as no role.
        (json!(7), json!(["org:notes:read"]), "- org:notes:read"),
        (Value::Null, json!([]), "-"),
        (json!(""), Value::Null, "-"),
        (json!("org:"), Value::Null, "-"),
        (
            json!("org:a role that this instance has made since"),
            json!([]),
            "org:a role that this instance has made since",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let user_id = format!("user_{number}");
        let mut data = membership_object(&user_id, "org_1", "", at(-10_000));
        data["role"] = role.clone();
        data["permissions"] = permissions.clone();
        apply(&profiles, "updated", data, at(-10_000)).await;
        let restarted = start(&database).await;
        for process in [&profiles, &restarted] {
            let session = process.session(admin(&user_id, at(-20_000))).await;
            assert_eq!(held(&session), expected, "{role} {permissions}");
            assert!(!session.has_left_organization());
            for name in ["org:admin", "org:member"] {
                let is_held = expected.split(' ').next() == Some(name);
                assert_eq!(session.has_role(name), is_held, "{role} {permissions}");
            }
            for name in ["org:notes:write", "org:notes:read", "org:sys_profile:manage"] {
                let is_held = expected.split(' ').any(|it| it == name);
                assert_eq!(session.has_permission(name), is_held, "{role} {permissions}");
            }
            let later = holds(process, admin(&user_id, at(-9_000))).await;
            assert_eq!(later, AS_CLAIMED, "a token read after the event");
        }
    }
}

async fn version_1_tokens_are_corrected_alike(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let before = || {
        let token = token("user_ada", "Ada", 100).without("v").claims(json!({
            "org_id": "org_1",
            "org_slug": "one",
            "org_role": "admin",
            "org_permissions": ["org:notes:write"],
        }));
        token.claims_read_at(at(-20_000))
    };
    assert_eq!(holds(&profiles, before()).await, AS_CLAIMED);
    let lowered = member("user_ada", "org:member", &["org:notes:read"], at(-10_000));
    apply(&profiles, "updated", lowered, at(-10_000)).await;
    assert_eq!(holds(&profiles, before()).await, "org:member org:notes:read");
    let removed = member("user_ada", "org:member", &[], at(-10_000));
    apply(&profiles, "deleted", removed, at(-5_000)).await;
    let session = profiles.session(before()).await;
    assert!(session.organization().is_none() && session.has_left_organization());
    assert!(!session.has_role("org:admin") && !session.has_permission("org:notes:write"));
    // Standard claims are not among the application's own claims.
    assert!(
        matches!(session.claim("org_role"), Claim::Absent) && matches!(session.claim("o"), Claim::Absent)
    );
}

/// With Billing, a role's permissions hold only for the features of the organization's plan.
async fn permissions_stay_within_the_plan_of_the_organization(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let all = ["org:notes:write", "org:audit:read", "org:team:invite"];
    let data = member("user_ada", "org:admin", &all, at(-10_000));
    apply(&profiles, "updated", data, at(-10_000)).await;
    let before = || {
        admin("user_ada", at(-20_000))
            .feature("o:audit")
            .feature("u:team")
    };
    for (token, expected) in [
        (
            before(),
            "org:admin org:audit:read org:notes:write org:team:invite",
        ),
        (
            before().plan("u:free"),
            "org:admin org:audit:read org:notes:write org:team:invite",
        ),
        (before().plan("o:pro"), "org:admin org:audit:read org:notes:write"),
        (
            before().plan("uo:pro"),
            "org:admin org:audit:read org:notes:write",
        ),
        (
            before().claim("pla", "pro"),
            "org:admin org:audit:read org:notes:write",
        ),
    ] {
        assert_eq!(holds(&profiles, token).await, expected);
    }
}

async fn end_by_the_application_is_one_by_webhook(database: TestDatabase) {
    let (profiles, other) = (start(&database).await, start(&database).await);
    let at = around(&profiles);
    let (ada, team) = (UserId::new("user_ada"), OrganizationId::new("org_1"));
    profiles
        .users
        .end_membership(&ada, &team)
        .await
        .expect("the database answers");
    assert_eq!(holds(&profiles, admin("user_ada", at(-20_000))).await, "");
    crate::denials::events::until("the other process grants the role", async || {
        holds(&other, admin("user_ada", at(-20_000))).await.is_empty()
    })
    .await;
    // Clerk's own report of the end has an older version. If its time is later, the end counts up to that time.
    let removed = member("user_ada", "org:admin", &[], at(-90_000));
    profiles.clock.advance(Duration::from_secs(10));
    apply(&profiles, "deleted", removed, at(5_500)).await;
    let restarted = start(&database).await;
    restarted.clock.advance(Duration::from_secs(10));
    for process in [&profiles, &restarted] {
        for (read_at, expected) in [(0, ""), (4_000, ""), (5_000, ""), (6_000, AS_CLAIMED)] {
            let held = holds(process, admin("user_ada", at(read_at))).await;
            assert_eq!(held, expected, "read at {read_at}");
        }
    }
    let returned = member("user_ada", "org:guest", &[], at(8_000));
    apply(&profiles, "created", returned, at(8_000)).await;
    assert_eq!(holds(&profiles, admin("user_ada", at(0))).await, "org:guest");
}

async fn restarted_process_corrects_the_same_tokens(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let data = |user_id: &str, role: &str| member(user_id, role, &["org:x:y"], at(-10_000));
    apply(&profiles, "deleted", data("user_ada", "org:admin"), at(-9_000)).await;
    apply(
        &profiles,
        "updated",
        data("user_bob", "org:\"\\\u{1F600}\t="),
        at(-9_000),
    )
    .await;
    let restarted = start(&database).await;
    for process in [&profiles, &restarted] {
        assert_eq!(holds(process, admin("user_ada", at(-20_000))).await, "");
        assert_eq!(
            holds(process, admin("user_bob", at(-20_000))).await,
            "org:\"\\\u{1F600}\t= org:x:y"
        );
        // The correction lives as long as any earlier token.
        process.clock.advance(Duration::from_secs(27 * 3_600));
        assert_eq!(holds(process, admin("user_ada", at(-20_000))).await, "");
    }
}
