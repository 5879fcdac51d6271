//! Property tests that data from users does not hide an event. The data is any text in the members that users write.
//! The events are a ban, a deletion, the end of a session and of a membership.

#![cfg(feature = "testing")]

use axum::http::HeaderMap;
use clerk_auth::id::UserId;
use clerk_auth::lenient::LenientValue;
use clerk_auth::testing::SignedDelivery;
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{Event, Webhook, WebhookVerifier};
use proptest::prelude::*;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NOW: Timestamp = Timestamp::from_secs(1_716_883_200);

/// Generates a JSON text that a browser can have written. The text consists of bytes, because Clerk may not validate
/// them.
fn odd_text() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        8 => prop::sample::select(vec![
            &b"null"[..], b"true", b"{}", b"[]", b"\"\"", b"1", b"-0", b"1e308", b"1e999", b"-1E+999", b"1e-999999999",
            b"123456789012345678901234567890", b"\"\\ud800\"", b"\"\\udc00\\ud800\"", b"\"\\ud83d\\ude00\"",
            b"\"\\u0000\"", b"\"\xff\xfe\"", b"\"\xed\xa0\x80\"", b"\"\x00\"", b"\"\n\"", b"\"\\q\"", b"NaN", b"Infinity",
            b"0123", b"\"banned\"", b"\"\\\"banned\\\":false,\\\"id\\\":\\\"user_eve\\\"\"", b"\"\\\\\"", b"\"}]}\"",
        ]).prop_map(<[u8]>::to_vec),
        1 => (300_usize..700).prop_map(|digits| "9".repeat(digits).into_bytes()),
        1 => (1_usize..6_000).prop_map(|levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes()),
        1 => (1_usize..1_500).prop_map(|levels| format!("{}7{}", r#"{"a":"#.repeat(levels), "}".repeat(levels)).into_bytes()),
        1 => (0_usize..8_000).prop_map(|length| format!("\"{}\"", "\u{e9}".repeat(length / 2)).into_bytes()),
        2 => "[^\"\\\\\\x00-\\x1f]{0,20}".prop_map(|text| format!("\"{text}\"").into_bytes()),
    ];
    let name = prop::sample::select(vec![
        &b"\"id\""[..],
        b"\"banned\"",
        b"\"\\u0062anned\"",
        b"\"deleted\"",
        b"\"user_id\"",
        b"\"a\"",
        b"\"\"",
        b"\"\\ud800\"",
        b"\"\xff\"",
        b"\"$serde_json::private::Number\"",
        b"\"$serde_json::private::RawValue\"",
        b"\"type\"",
        b"\"data\"",
    ]);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let member = (name.clone(), inner.clone()).prop_map(|(name, value)| [name, b":", &value].concat());
        prop_oneof![
            prop::collection::vec(inner, 0..5)
                .prop_map(|elements| [b"[", &*elements.join(&b','), b"]"].concat()),
            prop::collection::vec(member, 0..5)
                .prop_map(|members| [b"{", &*members.join(&b','), b"}"].concat()),
        ]
    })
}

/// A text for each member that users write, before and after the members that decide about access.
#[derive(Clone, Debug)]
struct Written {
    before: Vec<u8>,
    after: Vec<u8>,
}

fn written() -> impl Strategy<Value = Written> {
    let names = [
        "unsafe_metadata",
        "public_metadata",
        "private_metadata",
        "first_name",
        "last_name",
        "username",
        "image_url",
        "external_id",
        "primary_email_address_id",
        "email_addresses",
        "phone_numbers",
        "external_accounts",
        "passkeys",
        "locale",
        "slug",
        "name",
        "role",
        "actor",
        "client_id",
        "status",
        "added_by_clerk_since",
        "$serde_json::private::Number",
        "$serde_json::private::RawValue",
    ];
    let names = prop::sample::subsequence(names.to_vec(), 0..8).prop_shuffle();
    (names, prop::collection::vec(odd_text(), 8), 0_usize..8).prop_map(|(names, texts, split)| {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (place, (name, text)) in names.iter().zip(texts).enumerate() {
            if place < split {
                before.extend([format!("\"{name}\":").as_bytes(), &text, b","].concat());
            } else {
                after.extend([format!(",\"{name}\":").as_bytes(), &text].concat());
            }
        }
        Written { before, after }
    })
}

/// Receives a delivery whose `data` has these members between those of the user, as a server does.
fn receive(
    event_type: &str,
    written: &Written,
    members: &str,
    browser: &[u8],
) -> Result<Webhook, TestCaseError> {
    let body = [
        format!(
            r#"{{"object":"event","type":"{event_type}","timestamp":1716883200123,"instance_id":"ins_1","#
        )
        .as_bytes(),
        br#""event_attributes":{"http_request":{"client_ip":"192.0.2.1","user_agent":"#,
        browser,
        br#"}},"data":{"#,
        &written.before,
        members.as_bytes(),
        &written.after,
        b"}}",
    ]
    .concat();
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
    let delivery = SignedDelivery::raw(SECRET, "msg_1", &NOW.as_secs().to_string(), body);
    let headers: &HeaderMap = delivery.headers();
    let webhook = Webhook::verify_and_parse(&verifier, headers, delivery.body(), NOW);
    let webhook = webhook.map_err(|error| TestCaseError::fail(format!("{event_type} is hidden: {error}")))?;
    prop_assert_eq!(webhook.timestamp.as_millis(), 1_716_883_200_123);
    prop_assert_eq!(webhook.instance_id.as_str(), "ins_1");
    prop_assert_eq!(webhook.event.event_type(), event_type);
    Ok(webhook)
}

const BANNED: &str = r#""id":"user_mallory","banned":true,"locked":false,"lockout_expires_in_seconds":60,"created_at":5000,"updated_at":7000"#;

proptest! {
    #[test]
    fn written_text_does_not_hide_a_ban(written in written(), browser in odd_text()) {
        let webhook = receive("user.updated", &written, BANNED, &browser)?;
        let Event::UserUpdated(user) = &webhook.event else {
            return Err(TestCaseError::fail("another event"));
        };
        prop_assert_eq!(user.id.as_str(), "user_mallory");
        prop_assert!(user.banned && !user.locked && !user.deprovisioned);
        prop_assert_eq!(user.lockout_expires_in_seconds, Some(60));
        prop_assert_eq!((user.created_at.as_millis(), user.updated_at.as_millis()), (5_000, 7_000));
        // The list contains exactly the unreadable parts, so none passes as null.
        for path in user.raw().unreadable() {
            prop_assert!(user.unreadable().iter().any(|listed| **listed == *path));
        }
        prop_assert!(user.first_name.is_some() || user.raw()["first_name"].is_null() || !user.unreadable().is_empty());
    }

    #[test]
    fn written_text_does_not_hide_a_deletion(written in written(), browser in odd_text()) {
        let members = r#""object":"user","id":"user_mallory","deleted":true"#;
        let webhook = receive("user.deleted", &written, members, &browser)?;
        prop_assert!(matches!(&webhook.event, Event::UserDeleted(user) if user.id == Some(UserId::new("user_mallory"))));
    }

    #[test]
    fn written_text_does_not_hide_the_end_of_a_session(written in written(), browser in odd_text(), ended in 0_usize..3) {
        let event_type = ["session.ended", "session.removed", "session.revoked"][ended];
        let user = String::from_utf8_lossy(&written.after).into_owned();
        let members = format!(r#""user":{{{BANNED}{user}}},"id":"sess_1","user_id":"user_mallory","expire_at":9000"#);
        let webhook = receive(event_type, &written, &members, &browser)?;
        let (Event::SessionEnded(session) | Event::SessionRemoved(session) | Event::SessionRevoked(session)) = &webhook.event
        else {
            return Err(TestCaseError::fail("another event"));
        };
        prop_assert_eq!((session.id.as_str(), session.user_id.as_str()), ("sess_1", "user_mallory"));
        prop_assert_eq!(session.expire_at.map(Timestamp::as_millis), Some(9_000));
        let user = session.user().map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(user.is_some_and(|user| user.banned && user.id.as_str() == "user_mallory"));
    }

    #[test]
    fn user_written_text_does_not_hide_a_member_who_left(written in written(), browser in odd_text(), name in odd_text()) {
        let name = String::from_utf8_lossy(&name);
        let members = format!(
            r#""organization":{{"name":{name},"id":"org_1","public_metadata":{name}}},"id":"orgmem_1","created_at":5000,
            "public_user_data":{{"first_name":{name},"user_id":"user_mallory","identifier":{name}}},"updated_at":7000"#
        );
        let webhook = receive("organizationMembership.deleted", &written, &members, &browser)?;
        let Event::OrganizationMembershipDeleted(left) = &webhook.event else {
            return Err(TestCaseError::fail("another event"));
        };
        prop_assert_eq!((left.id.as_str(), left.organization_id.as_str()), ("orgmem_1", "org_1"));
        prop_assert_eq!(left.user_id.as_ref().map(UserId::as_str), Some("user_mallory"));
        prop_assert_eq!((left.created_at.as_millis(), left.updated_at.as_millis()), (5_000, 7_000));
        let organization = receive("organization.deleted", &written, r#""id":"org_1","deleted":true"#, &browser)?;
        prop_assert!(matches!(&organization.event, Event::OrganizationDeleted(it) if it.id.is_some()));
    }

    /// Each generated text is exactly one value, so that the cases above test the right property.
    #[test]
    fn written_text_is_one_value(text in odd_text()) {
        prop_assert!(LenientValue::from_slice(&text).is_ok());
    }
}
