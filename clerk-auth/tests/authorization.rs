//! What a session may do, asked by name: the rules of Clerk's `has()`, as tables over claims of both versions.

#![cfg(feature = "testing")]

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use clerk_auth::Session;
use clerk_auth::testing::Issuer;
use serde_json::{Value, json};

/// The sessions of such claims beside those that each token has.
async fn sessions<const N: usize>(claims: [Value; N]) -> [Session; N] {
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = issuer.clerk();
    let mut sessions = Vec::new();
    for claims in claims {
        let token = issuer.token("user_ada").claims(claims).sign();
        let bearer = format!("Bearer {token}").parse().expect("a header value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        sessions.push(clerk.authenticate(&headers).await.expect("a session token"));
    }
    sessions.try_into().expect("one for each")
}

/// Both sides have one prefix, whatever they were written with; without an active organization nobody has a role.
#[tokio::test]
async fn a_role_is_held_in_the_active_organization() {
    let sessions = sessions([
        json!({ "o": { "id": "org_1", "rol": "admin" } }),
        json!({ "v": null, "org_id": "org_1", "org_role": "org:admin" }),
        // Very old instances write no prefix.
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
async fn without_an_organization_there_is_no_role_and_no_permission() {
    let sessions = sessions([
        json!({}),
        json!({ "v": null }),
        // Claims of version 1 in a token of version 2 are the team's own.
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
async fn a_member_without_a_role_has_none() {
    let sessions = sessions([
        json!({ "o": { "id": "org_1" } }),
        json!({ "o": { "id": "org_1", "rol": "" } }),
        json!({ "v": null, "org_id": "org_1" }),
        json!({ "v": null, "org_id": "org_1", "org_role": "" }),
        json!({ "v": null, "org_id": "org_1", "org_permissions": null }),
    ]);
    for session in sessions.await {
        let organization = session.organization().expect("an organization");
        assert_eq!((organization.role(), organization.slug()), (None, None));
        assert_eq!(organization.permissions().count(), 0);
        for role in ["org:admin", "org:", "org:org:", ""] {
            assert!(!session.has_role(role), "{role:?}");
        }
    }
}

/// What is asked has one prefix; what is held is compared as the token has it.
#[tokio::test]
async fn a_permission_is_held_by_its_whole_name() {
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

/// The grammar of both lists is the same; features are asked of `fea` and plans of `pla`, in both versions.
#[tokio::test]
async fn a_feature_and_a_plan_are_held_by_whom_is_asked() {
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
        // A scope that nobody knows is nobody's.
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
        // An entry without a scope: the list cannot be trusted.
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
