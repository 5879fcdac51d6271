//! An application whose dependencies turn on both crypto backends of jsonwebtoken, which panics on its first token then
//! unless the application installs one of them. A process of its own, because that is installed once in a process.

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
    // Both names exist only with both features; without a choice between them jsonwebtoken itself panics.
    let _both = [&aws_lc::DEFAULT_PROVIDER, &rust_crypto::DEFAULT_PROVIDER];
    verify().await;
    // The choice is still the application's.
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
