//! Tests of the checks of a session by name: the rules of Clerk's `has()`, as tables over claims of both versions.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use clerk_auth::Clerk;
use clerk_auth::policy::{Requirement, Reverification};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use serde_json::json;

use super::{ISSUER, sessions};

/// Both sides get one prefix, for any spelling. Without an active organization, a session has no role.
#[tokio::test]
async fn role_is_held_in_the_active_organization() {
    let sessions = sessions([
        json!({ "o": { "id": "org_1", "rol": "admin" } }),
        json!({ "v": null, "org_id": "org_1", "org_role": "org:admin" }),
        // Very old instances omit the prefix.
        json!({ "v": null, "org_id": "org_1", "org_role": "admin" }),
    ]);
    for session in sessions.await {
        let organization = session.organization().expect("an organization");
        assert_eq!(
            (organization.id().as_str(), organization.role()),
            ("org_1", Some("org:admin"))
        );
        for (role, expected) in [
            ("org:admin", true),
            ("admin", true),
            ("org:org:admin", true),
            ("org:member", false),
            ("Admin", false),
            ("org:admin ", false),
            ("org:", false),
            ("", false),
        ] {
            assert_eq!(session.has_role(role), expected, "{role:?}");
        }
    }
}

#[tokio::test]
async fn session_without_an_organization_has_no_role_and_no_permission() {
    let sessions = sessions([
        json!({}),
        json!({ "v": null }),
        // Claims of version 1 in a token of version 2 are custom claims.
        json!({ "org_id": "org_1", "org_role": "org:admin", "org_permissions": ["org:notes:read"] }),
        json!({ "v": null, "o": { "id": "org_1", "rol": "admin", "per": "read", "fpm": "1" }, "fea": "o:notes" }),
        // The version is a number.
        json!({ "v": "2", "o": { "id": "org_1", "rol": "admin", "per": "read", "fpm": "1" }, "fea": "o:notes" }),
        json!({ "v": 3, "o": { "id": "org_1", "rol": "admin", "per": "read", "fpm": "1" }, "fea": "o:notes" }),
        json!({ "v": null, "org_id": "", "org_role": "org:admin" }),
    ]);
    for session in sessions.await {
        assert!(session.organization().is_none(), "{session:?}");
        for role in ["org:admin", "admin", "org:", ""] {
            assert!(!session.has_role(role), "{role:?}");
        }
        assert!(!session.has_permission("org:notes:read") && !session.has_permission(""));
    }
}

#[tokio::test]
async fn member_without_a_role_has_none() {
    let sessions = sessions([
        json!({ "o": { "id": "org_1" } }),
        json!({ "o": { "id": "org_1", "rol": "" } }),
        json!({ "v": null, "org_id": "org_1" }),
        json!({ "v": null, "org_id": "org_1", "org_role": "" }),
        json!({ "v": null, "org_id": "org_1", "org_permissions": null }),
        json!({ "v": null, "org_id": "org_1", "org_permissions": ["org:", ""] }),
    ]);
    for session in sessions.await {
        let organization = session.organization().expect("an organization");
        assert_eq!((organization.role(), organization.slug()), (None, None));
        for name in ["org:admin", "org:", "org:org:", ""] {
            assert!(
                !session.has_role(name) && !session.has_permission(name),
                "{name:?}"
            );
        }
    }
}

/// The required permission gets one prefix; the session's is compared unchanged.
#[tokio::test]
async fn permission_is_held_by_its_whole_name() {
    let sessions = sessions([
        json!({ "o": { "id": "org_1", "per": "read,manage", "fpm": "1" }, "fea": "o:notes" }),
        json!({ "v": null, "org_id": "org_1", "org_permissions": ["org:notes:read", "notes:manage", 7, null, ""] }),
    ]);
    for session in sessions.await {
        for (permission, expected) in [
            ("org:notes:read", true),
            ("notes:read", true),
            ("org:org:notes:read", true),
            ("org:notes:manage", false),
            ("notes:manage", false),
            ("org:notes", false),
            ("org:Notes:read", false),
            ("org:sys_memberships:read", false),
            ("org:", false),
            ("", false),
        ] {
            assert_eq!(session.has_permission(permission), expected, "{permission:?}");
        }
    }
}

/// Both lists have the same grammar; features are in `fea` and plans in `pla`, in both versions.
#[tokio::test]
async fn feature_and_plan_are_held_by_the_queried_scope() {
    const LIST: &str = "o:notes, u:export,uo:files,ou:search,x:odd,o:deep:er,o:,u:";
    let table = [
        ("notes", true),
        ("o:notes", true),
        ("org:notes", true),
        ("organization:notes", true),
        ("u:notes", false),
        ("user:notes", false),
        ("export", true),
        ("u:export", true),
        ("user:export", true),
        ("o:export", false),
        ("org:export", false),
        ("o:files", true),
        ("u:files", true),
        ("o:search", true),
        ("u:search", true),
        ("deep:er", false),
        ("o:deep:er", true),
        // An unknown scope matches no session.
        ("odd", false),
        ("x:odd", false),
        ("uo:files", false),
        ("Notes", false),
        ("o:", false),
        (":notes", false),
        (":", false),
        ("", false),
    ];
    let [of_version_2, of_version_1, none, broken, other] = sessions([
        json!({ "fea": LIST, "pla": LIST }),
        json!({ "v": null, "fea": LIST, "pla": LIST }),
        json!({}),
        // An entry without a scope makes the list invalid.
        json!({ "fea": "o:notes,export", "pla": "o:notes," }),
        json!({ "fea": ["o:notes"], "pla": { "o": "notes" } }),
    ])
    .await;
    for (asked, expected) in table {
        for session in [&of_version_2, &of_version_1] {
            assert_eq!(session.has_feature(asked), expected, "feature {asked:?}");
            assert_eq!(session.has_plan(asked), expected, "plan {asked:?}");
        }
        for session in [&none, &broken, &other] {
            assert!(
                !session.has_feature(asked) && !session.has_plan(asked),
                "{asked:?}"
            );
        }
    }
    let [features, plans] = sessions([json!({ "fea": "o:notes" }), json!({ "pla": "o:notes" })]).await;
    assert!(features.has_feature("notes") && !features.has_plan("notes"));
    assert!(plans.has_plan("notes") && !plans.has_feature("notes"));
}

/// Tests the table of Clerk's own SDK, and the values that it does not accept as ages.
#[tokio::test]
async fn reverification_follows_clerks_truth_table() {
    for (ages, expected) in [
        (json!([0, 0]), [true, true, true, true]),
        (json!([9, 9]), [true, true, true, true]),
        (json!([10, 0]), [false, true, true, true]),
        (json!([0, 10]), [false, false, true, true]),
        (json!([0, -1]), [true, true, true, true]),
        (json!([10, -1]), [false, false, true, true]),
        (json!([-1, 0]), [false, true, true, true]),
        (json!([-1, 10]), [false, false, true, true]),
        (json!([-1, -1]), [false, false, false, false]),
        (json!([59, 59]), [false, false, true, true]),
        (json!([0, 60]), [false, false, false, true]),
        (json!([0, 1439]), [false, false, false, true]),
        (json!([0, 1440]), [false, false, false, false]),
        (json!(null), [false, false, false, false]),
        (json!([]), [false, false, false, false]),
        (json!([0]), [false, false, false, false]),
        (json!([0, 0, 0]), [false, false, false, false]),
        (json!([-2, 0]), [false, false, false, false]),
        (json!([0, -2]), [false, false, false, false]),
        (json!([0.5, 0]), [false, false, false, false]),
        (json!(["0", "0"]), [false, false, false, false]),
        (json!([0, null]), [false, false, false, false]),
        (json!("0,0"), [false, false, false, false]),
        (json!({ "0": 0, "1": 0 }), [false, false, false, false]),
    ] {
        let [session] = sessions([json!({ "fva": ages })]).await;
        let met = [
            Reverification::StrictMfa,
            Reverification::Strict,
            Reverification::Moderate,
            Reverification::Lax,
        ]
        .map(|level| Requirement::Reverification(level).evaluate(&session).is_ok());
        assert_eq!(met, expected, "{ages}");
        let are_ages = serde_json::from_value::<[i64; 2]>(ages).ok();
        let are_ages = are_ages.filter(|ages| ages.iter().all(|age| *age >= -1));
        assert_eq!(session.factor_verification_age(), are_ages);
    }
}

/// An edge token copies `fva`, so the factors are older by the whole minutes since.
#[tokio::test]
async fn factor_age_grows_with_the_age_of_the_claims() {
    const MAX: i64 = i64::MAX;
    const CENTURY: i64 = 100 * 365 * 24 * 60;
    let minutes = |count: i64| count * 60;
    let clerk = Clerk::builder()
        .issuer(ISSUER.url())
        .jwt_key(ISSUER.public_key_pem())
        .insecure_accept_long_lived_tokens() // the cases include claims of a century ago
        .build()
        .expect("the configuration is right");
    let now = SystemClock.now();
    for (claims_age, ages, expected, is_strict) in [
        (0, [0, 9], [0, 9], true),
        (59, [0, 9], [0, 9], true),
        (60, [0, 9], [1, 10], false),
        (119, [0, 8], [1, 9], true),
        (minutes(10), [0, 0], [10, 10], false),
        (minutes(10) - 1, [0, 0], [9, 9], true),
        // A factor that was never verified does not age, and the user does not have it.
        (minutes(60), [3, -1], [63, -1], false),
        (minutes(6), [3, -1], [9, -1], true),
        (minutes(60), [-1, 3], [-1, 63], false),
        (minutes(60), [-1, -1], [-1, -1], false),
        (minutes(1), [-1, 0], [-1, 1], true),
        // No sum overflows.
        (minutes(1), [MAX - 1, MAX], [MAX, MAX], false),
        (minutes(CENTURY), [MAX, 0], [MAX, now.as_secs() / 60], false),
        // An `oiat` later than the token does not make a factor younger.
        (minutes(-10), [20, 20], [20, 20], false),
        (minutes(-10), [9, 9], [9, 9], true),
    ] {
        let read_at = Timestamp::from_secs(now.as_secs() - claims_age);
        let token = ISSUER.token("user_ada").issued_at(now).claims_read_at(read_at);
        let token = token.factor_verification_age(ages).sign();
        let bearer = format!("Bearer {token}").parse().expect("a header value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let session = clerk.authenticate(&headers).await.expect("a session token");
        let case = format!("{ages:?} read {claims_age} s before");
        assert_eq!(session.factor_verification_age(), Some(expected), "{case}");
        let strict = Requirement::Reverification(Reverification::Strict);
        assert_eq!(strict.evaluate(&session).is_ok(), is_strict, "{case}");
    }
}
