//! Tests of the parsed form of a delivery's body, as tables: each family, each missing member, and bodies that are not
//! events.

#![cfg(feature = "testing")]

use clerk_auth::id::{ClientId, DeliveryId, UserId};
use clerk_auth::testing::{SignedDelivery, event, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{Event, EventError, Webhook, WebhookError, WebhookVerifier};
use serde_json::{Value, json};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NOW: Timestamp = Timestamp::from_secs(1_716_883_200);

fn parse(body: impl AsRef<[u8]>) -> Result<Webhook, EventError> {
    Webhook::parse(DeliveryId::new("msg_1"), body.as_ref())
}

fn read(event_type: &str, data: Value) -> Result<Event, EventError> {
    parse(event(event_type, data, NOW).to_string()).map(|webhook| webhook.event)
}

fn missing(member: &str) -> EventError {
    EventError::MemberMissing(member.into())
}

fn malformed(member: &str) -> EventError {
    EventError::MemberMalformed(member.into())
}

/// Returns the user of Clerk's documentation, with members that have no field here.
fn user() -> Value {
    json!({
        "id": "user_29w83sxmDNGwOuEthce5gg56FcC",
        "object": "user",
        "external_id": "567772",
        "username": null,
        "first_name": "Ada",
        "last_name": null,
        "birthday": "",
        "gender": "",
        "image_url": "https://img.clerk.com/xxxxxx",
        "profile_image_url": "https://www.gravatar.com/avatar?d=mp",
        "primary_email_address_id": "idn_2",
        "primary_phone_number_id": null,
        "primary_web3_wallet_id": null,
        "email_addresses": [
            {
                "id": "idn_1",
                "object": "email_address",
                "email_address": "old@example.com",
                "verification": null,
                "linked_to": [],
            },
            {
                "id": "idn_2",
                "object": "email_address",
                "email_address": "ada@example.com",
                "verification": { "status": "verified", "strategy": "ticket" },
                "linked_to": [],
            },
        ],
        "phone_numbers": [],
        "public_metadata": { "plan": "pro", "nested": { "deep": [1, null] } },
        "private_metadata": null,
        "unsafe_metadata": {},
        "banned": false,
        "locked": true,
        "lockout_expires_in_seconds": 1_800,
        "last_sign_in_at": 1_716_883_100_000_i64,
        "created_at": 1_654_012_591_514_i64,
        "updated_at": 1_716_883_200_123_i64,
    })
}

fn session() -> Value {
    json!({
        "object": "session",
        "id": "sess_1",
        "user_id": "user_1",
        "client_id": "client_1",
        "status": "revoked",
        "actor": null,
        "last_active_at": 1_716_883_100_000_i64,
        "expire_at": 1_717_488_000_000_i64,
        "abandon_at": 1_719_475_200_000_i64,
        "created_at": 1_716_883_100_000_i64,
        "updated_at": 1_716_883_200_000_i64,
    })
}

fn organization() -> Value {
    json!({
        "object": "organization",
        "id": "org_1",
        "name": "Analytical Engines",
        "slug": "engines",
        "image_url": "https://img.clerk.com/xxxxxx",
        "members_count": 1,
        "public_metadata": { "tier": 2 },
        "created_by": "user_1",
        "created_at": 1_716_883_100_000_i64,
        "updated_at": 1_716_883_200_000_i64,
    })
}

fn membership() -> Value {
    json!({
        "object": "organization_membership",
        "id": "orgmem_1",
        "role": "org:admin",
        "role_name": "Admin",
        "permissions": ["org:sys_profile:manage"],
        "public_metadata": {},
        "organization": organization(),
        "public_user_data": { "user_id": "user_1", "first_name": "Ada", "last_name": null },
        "created_at": 1_716_883_100_000_i64,
        "updated_at": 1_716_883_200_000_i64,
    })
}

/// Returns every supported event type, with its data.
fn typed() -> Vec<(&'static str, Value)> {
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

/// Tests the members that identify an event: missing, null, and of another kind.
#[test]
fn missing_required_member_is_named() {
    let needed = [
        ("user.created", "id", user()),
        ("user.updated", "id", user()),
        ("session.ended", "id", session()),
        ("session.ended", "user_id", session()),
        ("organization.created", "id", organization()),
        ("organizationMembership.created", "id", membership()),
        ("organizationMembership.created", "organization", membership()),
    ];
    for (event_type, member, data) in needed {
        let path = format!("data.{member}");
        let mut without = data.clone();
        without.as_object_mut().expect("an object").remove(member);
        let (mut null, mut other) = (data.clone(), data);
        null[member] = Value::Null;
        other[member] = json!([true]);
        assert_eq!(read(event_type, without), Err(missing(&path)));
        assert_eq!(read(event_type, null), Err(missing(&path)));
        assert_eq!(read(event_type, other), Err(malformed(&path)));
    }
    for (event_type, _) in typed() {
        assert_eq!(
            read(event_type, Value::Null),
            Err(missing("data")),
            "{event_type}"
        );
        for data in [json!([]), json!("user"), json!(7)] {
            assert_eq!(read(event_type, data), Err(malformed("data")), "{event_type}");
        }
    }
}

#[test]
fn membership_without_its_user_is_read() {
    let mut absent = membership();
    absent
        .as_object_mut()
        .expect("an object")
        .remove("public_user_data");
    let mut null = membership();
    null["public_user_data"] = Value::Null;
    for data in [absent, null] {
        let Ok(Event::OrganizationMembershipCreated(read)) = read("organizationMembership.created", data)
        else {
            panic!("a membership");
        };
        assert_eq!(read.user_id, None);
    }
}

#[test]
fn identity_of_another_kind_is_named() {
    for (event_type, member, value, path) in [
        ("user.created", "id", json!(""), "data.id"),
        ("user.created", "id", json!(7), "data.id"),
        ("user.created", "id", json!("user_\u{0}"), "data.id"),
        ("user.deleted", "deleted", json!(false), "data.deleted"),
        ("user.deleted", "id", json!(""), "data.id"),
        ("organization.deleted", "deleted", json!(false), "data.deleted"),
        ("organization.deleted", "id", json!({}), "data.id"),
        ("session.revoked", "user_id", json!(["user_1"]), "data.user_id"),
        (
            "organizationMembership.created",
            "organization",
            json!({ "id": 7 }),
            "data.organization.id",
        ),
        (
            "organizationMembership.created",
            "organization",
            json!("org_1"),
            "data.organization",
        ),
        (
            "organizationMembership.created",
            "public_user_data",
            json!({ "user_id": 7 }),
            "data.public_user_data.user_id",
        ),
    ] {
        let data = with(event_type, member, &value);
        let error = read(event_type, data).expect_err(path);
        assert_eq!(
            (&error, error.member()),
            (&malformed(path), Some(path)),
            "{value}"
        );
    }
}

/// Returns the data of an event of this type with one member replaced.
fn with(event_type: &str, member: &str, value: &Value) -> Value {
    let (_, mut data) = typed()
        .into_iter()
        .find(|(known, _)| *known == event_type)
        .expect("a type");
    data[member] = value.clone();
    data
}

/// An unreadable member does not hide the others, even if an attacker wrote it.
#[test]
fn member_of_another_kind_is_none_and_listed() {
    let whole = read("user.created", user()).expect("a user");
    for (member, value) in [
        ("external_id", json!({})),
        ("username", json!(7)),
        ("first_name", json!(["Ada"])),
        ("last_name", json!(true)),
        ("image_url", json!(false)),
        ("lockout_expires_in_seconds", json!("soon")),
        ("lockout_expires_in_seconds", json!(0.5)),
        ("public_metadata", json!([])),
        ("public_metadata", json!("gold")),
        ("primary_email_address_id", json!(2)),
        ("email_addresses", json!({})),
        ("email_addresses", json!([{ "id": "idn_2" }])),
        ("email_addresses", json!([{ "id": "idn_2", "email_address": 7 }])),
    ] {
        let data = with("user.created", member, &value);
        let Ok(Event::UserCreated(odd)) = read("user.created", data) else {
            panic!("{member} {value}");
        };
        assert!(
            odd.unreadable()
                .iter()
                .map(|path| &**path)
                .eq([format!("/{member}")]),
            "{member} {value}"
        );
        let Event::UserCreated(whole) = &whole else {
            unreachable!()
        };
        assert_eq!(
            (&odd.id, odd.locked, odd.updated_at),
            (&whole.id, true, whole.updated_at)
        );
        match member {
            "external_id" => assert_eq!(odd.external_id, None),
            "username" => assert_eq!(odd.username, None),
            "first_name" => assert_eq!(odd.first_name, None),
            "last_name" => assert_eq!(odd.last_name, None),
            "image_url" => assert_eq!(odd.image_url, None),
            "lockout_expires_in_seconds" => assert_eq!(odd.lockout_expires_in_seconds, None),
            "public_metadata" => assert!(odd.public_metadata().is_null()),
            _ => assert_eq!(odd.primary_email, None),
        }
    }
    for (event_type, member, value) in [
        ("user.deleted", "external_id", json!(7)),
        ("session.ended", "client_id", json!(7)),
        ("session.ended", "actor", json!("user_admin")),
        ("session.ended", "status", json!({})),
        ("session.ended", "expire_at", json!("tomorrow")),
        ("organization.created", "name", json!(7)),
        ("organization.created", "name", Value::Null),
        ("organization.created", "created_by", json!([])),
        ("organization.deleted", "slug", json!(7)),
        ("organizationMembership.created", "role", json!(["org:admin"])),
        ("organizationMembership.created", "role", Value::Null),
        ("organizationMembership.created", "public_metadata", json!(1)),
    ] {
        let event = read(event_type, with(event_type, member, &value)).expect(member);
        let (unreadable, is_replaced) = match &event {
            Event::UserDeleted(it) => (it.unreadable(), it.external_id.is_none()),
            Event::SessionEnded(it) => {
                let is_read = it.client_id.is_some() && it.expire_at.is_some() && &*it.status == "revoked";
                (
                    it.unreadable(),
                    it.actor().is_null() && (!is_read || member == "actor"),
                )
            }
            Event::OrganizationCreated(it) => {
                (it.unreadable(), it.name.is_empty() || it.created_by.is_none())
            }
            Event::OrganizationDeleted(it) => (it.unreadable(), it.slug.is_none()),
            Event::OrganizationMembershipCreated(it) => (
                it.unreadable(),
                it.role.is_empty() || it.public_metadata().is_null(),
            ),
            other => panic!("{other:?}"),
        };
        assert!(
            unreadable.iter().map(|path| &**path).eq([format!("/{member}")]),
            "{event_type} {member}"
        );
        assert!(is_replaced, "{event_type} {member}");
    }
    // The type of the event contains the status.
    let revoked = with("session.revoked", "status", &json!(7));
    let Ok(Event::SessionRevoked(revoked)) = read("session.revoked", revoked) else {
        panic!("a session");
    };
    assert_eq!(&*revoked.status, "revoked");
}

/// Fails closed: only false, null and a missing member mean that the user is not barred.
#[test]
fn flag_is_lowered_by_false_alone() {
    for (json, raised) in [
        ("false", false),
        ("null", false),
        ("true", true),
        ("\"true\"", true),
        ("\"false\"", true),
        ("0", true),
        ("1", true),
        ("[]", true),
        ("{}", true),
        ("\"\\ud800\"", true),
        ("1e999", true),
        ("{\"$serde_json::private::Number\":\"0\"}", true),
        ("false,\"FLAG\":false", false),
        ("false,\"FLAG\":true", true),
        ("true,\"FLAG\":false", true),
        ("null,\"FLAG\":true", true),
    ] {
        for flag in ["banned", "locked", "deprovisioned"] {
            let mut data = user();
            data["locked"] = false.into();
            data[flag] = "THE FLAG".into();
            let json = json.replace("FLAG", flag);
            let body = event("user.updated", data, NOW)
                .to_string()
                .replace("\"THE FLAG\"", &json);
            let Ok(Event::UserUpdated(user)) = parse(body).map(|webhook| webhook.event) else {
                panic!("{json}");
            };
            let flags = [
                ("banned", user.banned),
                ("locked", user.locked),
                ("deprovisioned", user.deprovisioned),
            ];
            for (name, is_raised) in flags {
                assert_eq!(is_raised, raised && name == flag, "{name} {flag} {json}");
            }
        }
    }
    for deleted in [json!("yes"), json!(1), Value::Null, json!([])] {
        let data = with("user.deleted", "deleted", &deleted);
        assert!(
            matches!(read("user.deleted", data), Ok(Event::UserDeleted(user)) if user.id.is_some()),
            "{deleted}"
        );
    }
}

/// The event's own time replaces a missing time.
#[test]
fn time_that_is_unreadable_is_that_of_the_event() {
    for time in [
        Value::Null,
        json!("1716883200000"),
        json!(1.5),
        json!(u64::MAX),
        json!([]),
    ] {
        for member in ["created_at", "updated_at"] {
            let Ok(Event::UserUpdated(user)) = read("user.updated", with("user.updated", member, &time))
            else {
                panic!("{member} {time}");
            };
            let (read, other) = match member {
                "created_at" => (user.created_at, user.updated_at),
                _ => (user.updated_at, user.created_at),
            };
            assert_eq!(read, NOW, "{member} {time}");
            assert_ne!(other, NOW);
            assert!(
                user.unreadable()
                    .iter()
                    .map(|path| &**path)
                    .eq([format!("/{member}")])
            );
            for event_type in ["organization.updated", "organizationMembership.updated"] {
                assert!(
                    read_times(event_type, member, &time).contains(&NOW),
                    "{event_type} {time}"
                );
            }
        }
    }
    let mut data = session();
    data["user"] = json!({ "id": "user_1", "banned": true });
    let Ok(Event::SessionEnded(ended)) = read("session.ended", data) else {
        panic!("a session");
    };
    let user = ended.user().expect("a user").expect("there is one");
    assert_eq!((user.banned, user.updated_at), (true, NOW));
}

fn read_times(event_type: &str, member: &str, time: &Value) -> [Timestamp; 2] {
    match read(event_type, with(event_type, member, time)).expect(event_type) {
        Event::OrganizationUpdated(it) => [it.created_at, it.updated_at],
        Event::OrganizationMembershipUpdated(it) => [it.created_at, it.updated_at],
        other => panic!("{other:?}"),
    }
}

/// A member that occurs twice is unreadable, because neither occurrence is preferred.
#[test]
fn identity_with_two_values_is_an_error() {
    let body = |event_type: &str, data: Value| event(event_type, data, NOW).to_string();
    for (event_type, data, member, path) in [
        ("user.updated", user(), "id", "data.id"),
        (
            "user.deleted",
            json!({ "id": "user_1", "deleted": true }),
            "id",
            "data.id",
        ),
        ("session.revoked", session(), "id", "data.id"),
        ("session.revoked", session(), "user_id", "data.user_id"),
    ] {
        let mut data = data;
        let id = data[member].take();
        data[member] = "THE ID".into();
        let twice = |other: &str| {
            body(event_type, data.clone()).replace("\"THE ID\"", &format!("{id},\"{member}\":{other}"))
        };
        assert_eq!(
            parse(twice("\"other\"")).err(),
            Some(malformed(path)),
            "{event_type}"
        );
        assert_eq!(parse(twice("null")).err(), Some(malformed(path)), "{event_type}");
        assert!(parse(twice(&id.to_string())).is_ok(), "{event_type}");
    }
    let envelope = body("session.revoked", session());
    for (member, other) in [
        ("type", "\"session.created\""),
        ("\\u0074ype", "\"session.created\""),
        ("timestamp", "1"),
        ("instance_id", "\"ins_other\""),
        ("object", "\"other\""),
        ("data", "{}"),
    ] {
        let body = envelope.replacen('{', &format!("{{\"{member}\":{other},"), 1);
        let name = if member.contains('u') && member.contains("ype") && member != "type" {
            "type"
        } else {
            member
        };
        assert_eq!(parse(body).err(), Some(malformed(name)), "{member}");
    }
}

#[test]
fn envelope_is_parsed() {
    let whole = event("session.ended", session(), NOW);
    let webhook = parse(whole.to_string()).expect("an event");
    assert_eq!(
        (webhook.timestamp, webhook.instance_id.as_str()),
        (NOW, "ins_testing")
    );
    assert_eq!(webhook.http_request.client_ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(webhook.http_request.user_agent.as_deref(), Some("testing"));
    assert_eq!(webhook.event.event_type(), "session.ended");
    for (member, value, error) in [
        ("object", json!("user"), Some(malformed("object"))),
        ("object", json!(7), Some(malformed("object"))),
        ("object", Value::Null, Some(missing("object"))),
        ("type", json!(""), Some(malformed("type"))),
        ("type", json!(7), Some(malformed("type"))),
        ("type", Value::Null, Some(missing("type"))),
        ("timestamp", Value::Null, Some(missing("timestamp"))),
        ("timestamp", json!("1716883200"), Some(malformed("timestamp"))),
        ("timestamp", json!(1_716_883_200.5), Some(malformed("timestamp"))),
        ("timestamp", json!(-1), Some(malformed("timestamp"))),
        ("timestamp", json!(u64::MAX), Some(malformed("timestamp"))),
        ("instance_id", Value::Null, Some(missing("instance_id"))),
        ("instance_id", json!(""), Some(malformed("instance_id"))),
        ("event_attributes", Value::Null, None),
        ("event_attributes", json!({}), None),
        (
            "event_attributes",
            json!({ "http_request": null, "new": 1 }),
            None,
        ),
        (
            "event_attributes",
            json!({ "http_request": { "client_ip": null } }),
            None,
        ),
        // The browser chooses its own name.
        ("event_attributes", json!([]), None),
        ("event_attributes", json!({ "http_request": 7 }), None),
        (
            "event_attributes",
            json!({ "http_request": { "client_ip": 7, "user_agent": [] } }),
            None,
        ),
        ("added_by_clerk_since", json!({}), None),
    ] {
        let mut envelope = whole.clone();
        envelope[member] = value.clone();
        assert_eq!(parse(envelope.to_string()).err(), error, "{member} {value}");
    }
    for member in ["object", "type", "timestamp", "instance_id", "data"] {
        let mut envelope = whole.clone();
        envelope.as_object_mut().expect("an object").remove(member);
        assert_eq!(parse(envelope.to_string()).err(), Some(missing(member)));
    }
}

#[test]
fn time_is_in_seconds_or_milliseconds() {
    for (timestamp, milliseconds) in [
        (1_716_883_200_i64, 1_716_883_200_000),
        (1_654_012_591_835, 1_654_012_591_835),
        (99_999_999_999, 99_999_999_999_000),
        (100_000_000_000, 100_000_000_000),
        (0, 0),
        (i64::MAX, i64::MAX),
    ] {
        let mut envelope = event("email.created", json!({}), NOW);
        envelope["timestamp"] = timestamp.into();
        let webhook = parse(envelope.to_string()).expect("an event");
        assert_eq!(webhook.timestamp.as_millis(), milliseconds, "{timestamp}");
    }
}

#[test]
fn body_that_is_not_a_json_object_is_refused() {
    let envelope = |data: &str| {
        format!(r#"{{"object":"event","type":"x","timestamp":1,"instance_id":"ins_1","data":{data}}}"#)
    };
    let nested = |depth: usize| envelope(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let many: String = (0..100_000).map(|number| format!(r#""{number}":0,"#)).collect();
    assert!(parse(envelope("7")).is_ok());
    // A user's own metadata does not make their events unreadable.
    for depth in [99, 100, 126, 127, 128, 4_000, 400_000] {
        assert!(parse(nested(depth)).is_ok(), "{depth}");
    }
    assert!(parse(envelope(&format!(r#"{{{many}"x":0}}"#))).is_ok());
    assert!(parse(envelope(&format!(r#"{{{many}"50":0}}"#))).is_ok());
    for (name, body) in [
        ("nothing", Vec::new()),
        ("space", b" \n".to_vec()),
        ("a zero byte", b"\0".to_vec()),
        ("half", envelope("7").into_bytes()[..40].to_vec()),
        ("two", envelope("7").repeat(2).into_bytes()),
        ("an array", b"[]".to_vec()),
        ("a text", b"\"event\"".to_vec()),
        ("a form", b"payload=%7B%7D".to_vec()),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf".to_vec(), envelope("7").into_bytes()].concat(),
        ),
        (
            "UTF-16",
            envelope("7").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        ("a comma too many", envelope("[1,]").into_bytes()),
        ("a bomb", envelope(&"[".repeat(1_000_000)).into_bytes()),
        (
            "a bomb of objects",
            envelope(&r#"{"a":"#.repeat(100_000)).into_bytes(),
        ),
    ] {
        assert_eq!(parse(&body), Err(EventError::Body), "{name}");
    }
}

/// Tests the use with another kind of server: the signature is verified first.
#[test]
fn delivery_is_verified_before_it_is_read() {
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
    let created = event("user.created", user_object("user_ada", NOW), NOW);
    let delivery = SignedDelivery::new(SECRET, &created, NOW);
    let webhook =
        Webhook::verify_and_parse(&verifier, delivery.headers(), delivery.body(), NOW).expect("an event");
    assert_eq!(&webhook.id, delivery.id());
    assert!(matches!(&webhook.event, Event::UserCreated(user) if user.id.as_str() == "user_ada"));

    let garbage = SignedDelivery::raw(SECRET, "msg_1", &NOW.as_secs().to_string(), "{");
    let error =
        Webhook::verify_and_parse(&verifier, garbage.headers(), garbage.body(), NOW).expect_err("no event");
    assert_eq!(error.code(), "webhook_body_malformed");
    let error =
        Webhook::verify_and_parse(&verifier, garbage.headers(), b"{}", NOW).expect_err("another body");
    assert!(matches!(error, WebhookError::Signature(_)));
    assert_eq!(error.code(), "webhook_signature_invalid");
}
