//! Tests of members of an event's data that are missing, of another kind, or have two values.

use clerk_auth::testing::event;
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::Event;
use serde_json::{Value, json};

use super::types::typed;
use super::{NOW, malformed, membership, missing, organization, parse, read, session, user, with};

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
