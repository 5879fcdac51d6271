//! Tests of the typed form of each event type.

use clerk_auth::id::{ClientId, UserId};
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::Event;
use serde_json::{Value, json};

use super::{malformed, membership, missing, organization, read, session, user};

/// Returns every supported event type, with its data.
pub(super) fn typed() -> Vec<(&'static str, Value)> {
    let deleted = |object: &str, id: &str| json!({ "object": object, "id": id, "deleted": true });
    vec![
        ("user.created", user()),
        ("user.updated", user()),
        ("user.deleted", deleted("user", "user_1")),
        ("session.created", session()),
        ("session.pending", session()),
        ("session.ended", session()),
        ("session.removed", session()),
        ("session.revoked", session()),
        ("organization.created", organization()),
        ("organization.updated", organization()),
        ("organization.deleted", deleted("organization", "org_1")),
        ("organizationMembership.created", membership()),
        ("organizationMembership.updated", membership()),
        ("organizationMembership.deleted", membership()),
    ]
}

#[test]
fn each_type_is_read_and_keeps_what_was_received() {
    for (event_type, mut data) in typed() {
        data["added_by_clerk_since"] = json!([1]);
        let event = read(event_type, data.clone()).expect(event_type);
        assert!(!matches!(event, Event::Other { .. }), "{event_type}");
        assert_eq!((event.event_type(), &**event.raw()), (event_type, &data));
    }
    for event_type in [
        "email.created",
        "organizationDomain.created",
        "subscriptionItem.freeTrialEnding",
        "user.imported",
        "User.created",
        "user.created ",
        "é",
    ] {
        for data in [
            json!({ "id": "x" }),
            json!({}),
            json!([1]),
            json!("x"),
            Value::Null,
        ] {
            let event = read(event_type, data.clone()).expect(event_type);
            assert!(matches!(event, Event::Other { .. }), "{event_type}");
            assert_eq!((event.event_type(), &**event.raw()), (event_type, &data));
        }
    }
}

#[test]
fn user_event_is_typed() {
    let Ok(Event::UserUpdated(ada)) = read("user.updated", user()) else {
        panic!("a user");
    };
    assert_eq!(ada.id.as_str(), "user_29w83sxmDNGwOuEthce5gg56FcC");
    assert_eq!(ada.external_id.as_deref(), Some("567772"));
    assert_eq!(
        (ada.first_name.as_deref(), ada.last_name.as_deref()),
        (Some("Ada"), None)
    );
    assert_eq!(ada.image_url.as_deref(), Some("https://img.clerk.com/xxxxxx"));
    assert_eq!((ada.banned, ada.locked, ada.deprovisioned), (false, true, false));
    assert_eq!(ada.lockout_expires_in_seconds, Some(1_800));
    assert_eq!(ada.created_at.as_millis(), 1_654_012_591_514);
    assert_eq!(ada.updated_at.as_millis(), 1_716_883_200_123);
    assert_eq!(ada.public_metadata()["nested"]["deep"][0], 1);
    assert_eq!(**ada.raw(), user());
    assert!(ada.unreadable().is_empty());
    // The members that a type requires.
    let bare = json!({ "id": "user_1", "created_at": 1, "updated_at": 2 });
    let Ok(Event::UserCreated(bare)) = read("user.created", bare) else {
        panic!("a user");
    };
    assert!(bare.primary_email.is_none() && bare.public_metadata().is_null() && !bare.banned);
}

#[test]
fn primary_address_is_looked_up() {
    let addresses = || user()["email_addresses"].clone();
    for (id, list, expected) in [
        (json!("idn_2"), addresses(), Some(("ada@example.com", true))),
        (json!("idn_1"), addresses(), Some(("old@example.com", false))),
        (json!("idn_3"), addresses(), None),
        (json!(null), addresses(), None),
        (json!("idn_1"), json!([]), None),
        (json!("idn_1"), Value::Null, None),
        (
            json!("idn_1"),
            json!([{ "email_address": "x@example.com" }, 7]),
            None,
        ),
        (
            json!("idn_1"),
            json!([{ "id": "idn_1", "email_address": "x@example.com" }]),
            Some(("x@example.com", false)),
        ),
    ] {
        let mut data = user();
        data["primary_email_address_id"] = id.clone();
        data["email_addresses"] = list;
        let Ok(Event::UserCreated(user)) = read("user.created", data) else {
            panic!("a user with {id}");
        };
        let email = user.primary_email.as_ref();
        let email = email.map(|email| (&*email.email_address, email.verified));
        assert_eq!(email, expected, "{id}");
    }
}

#[test]
fn deleted_user_may_have_no_id() {
    for (data, id, external_id) in [
        (json!({ "object": "user", "deleted": true }), None, None),
        (
            json!({ "object": "user", "id": null, "deleted": true, "external_id": "7" }),
            None,
            Some("7"),
        ),
        (
            json!({ "id": "user_1", "deleted": true, "slug": "x" }),
            Some("user_1"),
            None,
        ),
        (json!({}), None, None),
    ] {
        let Ok(Event::UserDeleted(user)) = read("user.deleted", data.clone()) else {
            panic!("{data}");
        };
        assert_eq!(user.id.as_ref().map(UserId::as_str), id, "{data}");
        assert_eq!(user.external_id.as_deref(), external_id, "{data}");
    }
}

#[test]
fn sessions_and_organizations_are_typed() {
    let Ok(Event::SessionRevoked(revoked)) = read("session.revoked", session()) else {
        panic!("a session");
    };
    assert_eq!(
        (revoked.id.as_str(), revoked.user_id.as_str()),
        ("sess_1", "user_1")
    );
    assert_eq!(revoked.client_id.as_ref().map(ClientId::as_str), Some("client_1"));
    assert_eq!(
        (&*revoked.status, revoked.expire_at.map(Timestamp::as_secs)),
        ("revoked", Some(1_717_488_000))
    );
    assert!(revoked.actor().is_null());
    assert_eq!(revoked.user(), Ok(None));

    let mut impersonated = session();
    impersonated["actor"] = json!({ "sub": "user_admin" });
    impersonated["user"] = user();
    let Ok(Event::SessionCreated(impersonated)) = read("session.created", impersonated) else {
        panic!("a session");
    };
    assert_eq!(impersonated.actor()["sub"], "user_admin");
    assert!(
        impersonated
            .user()
            .is_ok_and(|user| user.is_some_and(|user| user.locked))
    );
    // A malformed user does not hide that the session has ended.
    for (user, error) in [
        (json!("user_1"), malformed("data.user")),
        (json!({ "id": 7 }), malformed("data.user.id")),
        (json!({ "id": "" }), malformed("data.user.id")),
        (json!({ "banned": true }), missing("data.user.id")),
    ] {
        let mut data = session();
        data["user"] = user;
        let Ok(Event::SessionRevoked(revoked)) = read("session.revoked", data) else {
            panic!("a session");
        };
        assert_eq!(revoked.user(), Err(error));
    }

    let Ok(Event::OrganizationCreated(made)) = read("organization.created", organization()) else {
        panic!("an organization");
    };
    assert_eq!((made.id.as_str(), &*made.name), ("org_1", "Analytical Engines"));
    assert_eq!(
        (made.slug.as_deref(), made.created_by.is_some()),
        (Some("engines"), true)
    );
    assert_eq!(made.public_metadata()["tier"], 2);

    let Ok(Event::OrganizationMembershipDeleted(left)) = read("organizationMembership.deleted", membership())
    else {
        panic!("a membership");
    };
    assert_eq!((left.id.as_str(), &*left.role), ("orgmem_1", "org:admin"));
    assert_eq!(left.organization_id.as_str(), "org_1");
    assert_eq!(left.user_id.as_ref().map(UserId::as_str), Some("user_1"));
}
