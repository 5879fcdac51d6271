//! Tests that a token from the cache is checked again for everything that can have changed since.

#![cfg(feature = "testing")]

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use clerk_auth::Clerk;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use clerk_auth::token::Refusal;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn refused(refusal: Refusal) -> Result<(), AuthenticationError> {
    Err(AuthenticationError::Refused(refusal))
}

#[tokio::test]
async fn time_and_cookies_are_looked_at_each_time() {
    let issuer = Issuer::new("https://clerk.example.com");
    let clock = MovableClock::new(NOW);
    let clerk = Clerk::builder()
        .issuer(issuer.url())
        .jwt_key(issuer.public_key_pem())
        .clock(clock.clone())
        .build()
        .expect("the configuration is right");
    let token = issuer.sign(&issuer.claims("user_ada", NOW));
    let verify = async |cookies: &str| {
        let mut headers = HeaderMap::new();
        if cookies.is_empty() {
            let bearer = format!("Bearer {token}");
            headers.insert(AUTHORIZATION, bearer.parse().expect("a header value"));
        } else {
            let cookies = format!("__session={token}; {cookies}");
            headers.insert(COOKIE, cookies.parse().expect("a header value"));
        }
        clerk.authenticate(&headers).await.map(drop)
    };
    assert_eq!(verify("").await, Ok(()));
    assert_eq!(verify("__client_uat=1").await, Ok(()));
    assert_eq!(
        verify("__client_uat=1700000001").await,
        refused(Refusal::Superseded)
    );
    assert_eq!(
        verify("__client_uat=0").await,
        Err(AuthenticationError::SignedOut)
    );
    clock.advance(Duration::from_secs(64));
    assert_eq!(verify("").await, Ok(()));
    clock.advance(Duration::from_secs(1));
    assert_eq!(verify("").await, refused(Refusal::Expired));
    assert_eq!(verify("").await, refused(Refusal::Expired));
}
