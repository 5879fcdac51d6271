//! Uses any bytes as headers and body, any body with a valid signature, and any text in the members that users write.
//! The code does not panic, and accepts only signed deliveries. A parsed event keeps the received data, and no text
//! hides a ban.

#![no_main]

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue};
use clerk_auth::lenient::LenientValue;
use clerk_auth::testing::SignedDelivery;
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{Event, Webhook, WebhookError, WebhookVerifier};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const TIME: &str = "1700000000";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const NAMES: [&str; 6] = [
    "svix-id",
    "svix-timestamp",
    "svix-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

static VERIFIER: LazyLock<WebhookVerifier> =
    LazyLock::new(|| WebhookVerifier::new(SECRET.parse().expect("a secret")).accept_standard_names());

/// Parses lines of a digit, which selects the header, and its value; then an empty line and the body.
fn unsigned(data: &[u8]) -> (HeaderMap, &[u8]) {
    let (mut headers, mut rest) = (HeaderMap::new(), data);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some((digit, value)) = line.split_first() else {
            break;
        };
        let name = NAMES[usize::from(*digit) % NAMES.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

fn check(event: &Event) {
    let raw = event.raw();
    match event {
        Event::UserCreated(user) | Event::UserUpdated(user) => {
            assert_eq!(raw["id"], user.id.as_str());
            if !user.unreadable().iter().any(|path| &**path == "/updated_at") {
                assert_eq!(raw["updated_at"], user.updated_at.as_millis());
            }
            // Only these values clear the flag.
            assert!(user.banned || raw["banned"].is_null() || raw["banned"] == false);
        }
        Event::SessionEnded(session) => assert_eq!(raw["id"], session.id.as_str()),
        Event::OrganizationMembershipCreated(membership) => {
            assert_eq!(raw["organization"]["id"], membership.organization_id.as_str());
        }
        _ => {}
    }
}

/// Checks the event of a ban around a text that a user wrote.
fn check_ban(written: &[u8]) {
    // Any other text could be members of the event itself, which users do not write.
    if LenientValue::from_slice(written).is_err() {
        return;
    }
    let body = [
        br#"{"object":"event","type":"user.updated","timestamp":1700000000,"instance_id":"ins_1","data":{"first_name":"#,
        written,
        br#","id":"user_1","banned":true,"created_at":5,"updated_at":7,"unsafe_metadata":"#,
        written,
        b"}}",
    ]
    .concat();
    let delivery = SignedDelivery::raw(SECRET, "msg_1", TIME, body);
    let webhook = Webhook::verify_and_parse(&VERIFIER, delivery.headers(), delivery.body(), NOW).expect("a ban");
    let Event::UserUpdated(user) = &webhook.event else {
        panic!("another event");
    };
    assert!(user.banned && !user.locked && user.id.as_str() == "user_1");
    assert_eq!((user.created_at.as_millis(), user.updated_at.as_millis()), (5, 7));
    // An application can store the received data, and parse it again.
    let text = user.raw().to_string();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok().as_ref(), Some(&**user.raw()));
}

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((b'@', written)) => check_ban(written),
        Some((b'!', body)) => {
            let delivery = SignedDelivery::raw(SECRET, "msg_1", TIME, body);
            match Webhook::verify_and_parse(&VERIFIER, delivery.headers(), delivery.body(), NOW) {
                Ok(webhook) => {
                    assert!(!webhook.instance_id.as_str().is_empty() && !webhook.event.event_type().is_empty());
                    check(&webhook.event);
                }
                Err(WebhookError::Event(_)) => {}
                Err(error) => panic!("a right signature: {error}"),
            }
        }
        _ => {
            let (headers, body) = unsigned(data);
            // Random input does not contain a valid signature.
            assert!(matches!(
                Webhook::verify_and_parse(&VERIFIER, &headers, body, NOW),
                Err(WebhookError::Signature(_))
            ));
        }
    }
});
