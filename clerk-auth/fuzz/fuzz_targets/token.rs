//! Uses any bytes as a token, and any header and payload with a valid signature. The code does not panic, and accepts
//! no token with a forged signature.

#![no_main]

use std::sync::LazyLock;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use clerk_auth::testing::Issuer;
use clerk_auth::{Clerk, Session};
use libfuzzer_sys::fuzz_target;

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://clerk.example.com"));
static CLERK: LazyLock<Clerk> = LazyLock::new(|| ISSUER.clerk());

fn authenticate(token: &[u8]) -> Option<Session> {
    let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    runtime.block_on(CLERK.authenticate(&headers)).ok()
}

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((b'!', signed)) => {
            let text = String::from_utf8_lossy(signed);
            let (header, payload) = text.split_once('\n').unwrap_or((r#"{"alg":"RS256"}"#, &text));
            if let Some(session) = authenticate(ISSUER.sign_raw(header, payload).as_bytes()) {
                assert!(!session.user_id().as_str().is_empty() && !session.id().as_str().is_empty());
                assert_eq!(session.issuer(), ISSUER.url());
            }
        }
        _ => assert!(authenticate(data).is_none()),
    }
});
