//! Tests of the parsed form of a delivery's body, as tables: each family, each missing member, and bodies that are not
//! events.

#![cfg(feature = "testing")]

mod members;
mod types;

use clerk_auth::id::DeliveryId;
use clerk_auth::testing::{SignedDelivery, event, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{Event, EventError, Webhook, WebhookError, WebhookVerifier};
use serde_json::{Value, json};

use types::typed;

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

/// Returns the data of an event of this type with one member replaced.
fn with(event_type: &str, member: &str, value: &Value) -> Value {
    let (_, mut data) = typed()
        .into_iter()
        .find(|(known, _)| *known == event_type)
        .expect("a type");
    data[member] = value.clone();
    data
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
