//! Any bytes as headers and body, and any body under a right signature. Nothing panics, nothing unsigned is taken for
//! Clerk's, and what is read keeps what was received.

#![no_main]

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue};
use clerk_auth::testing::SignedDelivery;
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{Event, Webhook, WebhookError, WebhookVerifier};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const TIME: &str = "1700000000";
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
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

/// Lines of a digit, which names the header, and its value; then an empty line and the body.
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
            assert_eq!(raw["updated_at"], user.updated_at.milliseconds());
        }
        Event::SessionEnded(session) => assert_eq!(raw["id"], session.id.as_str()),
        Event::OrganizationMembershipCreated(membership) => {
            assert_eq!(raw["organization"]["id"], membership.organization_id.as_str());
        }
        _ => {}
    }
}

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((b'!', body)) => {
            let delivery = SignedDelivery::raw(SECRET, "msg_1", TIME, body);
            match Webhook::receive(&VERIFIER, delivery.headers(), delivery.body(), NOW) {
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
            // A signature is not guessed.
            assert!(matches!(
                Webhook::receive(&VERIFIER, &headers, body, NOW),
                Err(WebhookError::Signature(_))
            ));
        }
    }
});
