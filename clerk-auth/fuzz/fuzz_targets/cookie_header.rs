//! Uses any bytes as a `Cookie` header: no session is accepted, and the code does not panic.

#![no_main]

use std::sync::LazyLock;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use clerk_auth::Clerk;
use clerk_auth::testing::Issuer;
use libfuzzer_sys::fuzz_target;

static CLERK: LazyLock<Clerk> = LazyLock::new(|| {
    let issuer = Issuer::new("https://clerk.clerk.dev");
    let builder = Clerk::builder().publishable_key("pk_test_Y2xlcmsuY2xlcmsuZGV2JA");
    builder
        .jwt_key(issuer.public_key_pem())
        .build()
        .expect("the configuration is right")
});

fuzz_target!(|data: &[u8]| {
    // Each line becomes a separate header.
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(COOKIE, value);
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    assert!(runtime.block_on(CLERK.authenticate(&headers)).is_err());
});
