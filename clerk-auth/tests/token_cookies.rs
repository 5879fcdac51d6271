//! Tests of cookies with a complete verifier: the selection among several, and the effect of a sign-out.

#![cfg(feature = "testing")]

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderName};
use clerk_auth::Clerk;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use clerk_auth::token::Refusal;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// The key of the host `clerk.clerk.dev`; the suffix is from Clerk's own fixtures.
const PUBLISHABLE_KEY: &str = "pk_test_Y2xlcmsuY2xlcmsuZGV2JA";

async fn outcome(clerk: &Clerk, headers: &[(HeaderName, String)]) -> Result<String, AuthenticationError> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().expect("a header value")))
        .collect();
    let session = clerk.authenticate(&headers).await?;
    Ok(session.user_id().to_string())
}

#[tokio::test]
async fn cookies() {
    let issuer = Issuer::new("https://clerk.clerk.dev");
    let clerk = Clerk::builder()
        .publishable_key(PUBLISHABLE_KEY)
        .jwt_key(issuer.public_key_pem())
        .clock(MovableClock::new(NOW))
        .build()
        .expect("the configuration is right");
    let token = |user_id: &str| issuer.sign(&issuer.claims(user_id, NOW));
    let (ada, eve) = (token("user_ada"), token("user_eve"));
    let neighbour = Issuer::new("https://clerk.neighbour.dev");
    let neighbour = neighbour.sign(&neighbour.claims("user_neighbour", NOW));

    let seen = |user_id: &str| Ok(user_id.to_owned());
    let refused = |refusal: Refusal| Err(AuthenticationError::Refused(refusal));
    let signed_out = Err(AuthenticationError::SignedOut);
    for (cookie, expected) in [
        (format!("__session={ada}"), signed_out.clone()),
        (
            format!("__session={ada}; __client_uat=1700000000"),
            seen("user_ada"),
        ),
        (
            format!("__session={ada}; __client_uat=1700000001"),
            refused(Refusal::Superseded),
        ),
        (format!("__session={ada}; __client_uat=0"), signed_out.clone()),
        // The cookie of another application on localhost is ignored, and causes no search for its key.
        (
            format!("__session={neighbour}; __client_uat=1"),
            signed_out.clone(),
        ),
        (
            format!("__session={neighbour}; __session_QvfNY2dr={ada}; __client_uat_QvfNY2dr=1"),
            seen("user_ada"),
        ),
        (
            format!("__session={ada}; __session_QvfNY2dr={eve}; __client_uat_QvfNY2dr=1"),
            seen("user_eve"),
        ),
        (
            format!("__session={ada}; __client_uat=1; __session_QvfNY2dr={eve}; __client_uat_QvfNY2dr=0"),
            seen("user_ada"),
        ),
        // The suffix of another application.
        (
            format!("__session_qReyu04C={ada}; __client_uat_qReyu04C=1"),
            signed_out.clone(),
        ),
        // The values that select a set are not verified; the selected token is.
        (
            format!("__session={ada}x; __session_QvfNY2dr={eve}; __client_uat_QvfNY2dr=1"),
            seen("user_eve"),
        ),
        (
            format!("__session={ada}; __session_QvfNY2dr={eve}x; __client_uat_QvfNY2dr=1"),
            refused(Refusal::Malformed),
        ),
        (
            "__session=junk; __client_uat=1".to_owned(),
            refused(Refusal::Malformed),
        ),
    ] {
        assert_eq!(
            outcome(&clerk, &[(COOKIE, cookie.clone())]).await,
            expected,
            "{cookie}"
        );
    }

    // A header contains no time of the browser's sign-in.
    let both = [
        (AUTHORIZATION, format!("Bearer {ada}")),
        (COOKIE, "__client_uat=0; __client_uat_QvfNY2dr=0".to_owned()),
    ];
    assert_eq!(outcome(&clerk, &both).await, seen("user_ada"));
}
