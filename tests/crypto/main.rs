//! Tests an application whose dependencies enable both crypto backends of jsonwebtoken. Then jsonwebtoken panics at its
//! first token, unless the application installs one of them. The test is a separate process, because a backend is
//! installed once per process.

#![allow(missing_docs, reason = "a test has no callers")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use clerk_auth::testing::FakeClerk;
use jsonwebtoken::crypto::{aws_lc, rust_crypto};
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::header::{AUTHORIZATION, HeaderMap};

#[tokio::test]
async fn tokens_are_verified_beside_both_backends_and_nothing_is_installed() {
    let fake = FakeClerk::start().await.unwrap();
    let fetched = fake.clerk().build().unwrap();
    let pem = fake.issuer().clerk();
    let verify = async || {
        let token = fake.issuer().token("user_ada").sign();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        for clerk in [&fetched, &pem] {
            let session = clerk.authenticate(&headers).await.unwrap();
            assert_eq!(session.user_id().as_str(), "user_ada");
        }
    };
    // Both names exist only with both features; without a choice, jsonwebtoken panics.
    let _both = [&aws_lc::DEFAULT_PROVIDER, &rust_crypto::DEFAULT_PROVIDER];
    verify().await;
    // The application can still choose.
    rust_crypto::DEFAULT_PROVIDER
        .install_default()
        .expect("nothing was installed");
    encode(
        &Header::default(),
        &"claims",
        &EncodingKey::from_secret(b"secret"),
    )
    .expect("the application's own tokens");
    verify().await;
}
