//! Tests of the age of a token's claims, for each form of the header's `oiat`.

#![cfg(feature = "testing")]

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use clerk_auth::token::Refusal;
use clerk_auth::{Clerk, Session};
use serde_json::Value;

const IAT: i64 = 1_700_000_000;

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://clerk.example.com"));

static CLERK: LazyLock<Clerk> = LazyLock::new(|| {
    Clerk::builder()
        .issuer(ISSUER.url())
        .jwt_key(ISSUER.public_key_pem())
        .insecure_accept_long_lived_tokens() // the cases include claims of 1970
        .clock(MovableClock::new(Timestamp::from_secs(IAT)))
        .build()
        .expect("the configuration is right")
});

fn authenticate(header: &str) -> Result<Session, AuthenticationError> {
    let payload = Value::Object(ISSUER.claims("user_ada", Timestamp::from_secs(IAT)));
    let token = ISSUER.sign_raw(header, &payload.to_string());
    let bearer = format!("Bearer {token}")
        .parse()
        .expect("a token is a header value");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    runtime.block_on(CLERK.authenticate(&headers))
}

/// The text of `oiat`, and the seconds at which the claims were read.
const ORIGINS: &[(&str, i64)] = &[
    // Numbers of the past.
    ("1700000000", IAT),
    ("1699999999", IAT - 1),
    ("1600000000", 1_600_000_000),
    ("1", 1),
    ("0", 0),
    // Fractions are rounded down.
    ("1699999999.0", IAT - 1),
    ("1699999998.999", IAT - 2),
    ("1699999999.5", IAT - 1),
    ("1.6e9", 1_600_000_000),
    ("16000000000e-1", 1_600_000_000),
    ("0.5", 0),
    ("1e-300", 0),
    // Before 1970.
    ("-0", 0),
    ("-0.5", 0),
    ("-1", 0),
    ("-1700000001", 0),
    ("-9223372036854775808", 0),
    ("-9223372036854775809", 0),
    ("-1e300", 0),
    // Later than `iat`, also in milliseconds, and with an overflow of an integer or a multiplication.
    ("1700000000.5", IAT),
    ("1700000001", IAT),
    ("1699999000000", IAT),
    ("9223372036854775", IAT),
    ("9223372036854775807", IAT),
    ("9223372036854775808", IAT),
    ("18446744073709551615", IAT),
    ("18446744073709551616", IAT),
    ("1e300", IAT),
    // Not numbers.
    ("null", IAT),
    ("true", IAT),
    ("false", IAT),
    (r#""1600000000""#, IAT),
    (r#""""#, IAT),
    ("[1600000000]", IAT),
    (r#"{"seconds":1600000000}"#, IAT),
];

#[test]
fn claims_are_as_old_as_the_earlier_of_iat_and_oiat() {
    for (oiat, expected) in ORIGINS {
        // The parameter is the first, the last, and between others of the header.
        for header in [
            format!(
                r#"{{"alg":"RS256","cat":"cl_B7d4PD111AAA","kid":"ins_testing","oiat":{oiat},"typ":"JWT"}}"#
            ),
            format!(r#"{{"oiat":{oiat},"alg":"RS256"}}"#),
            format!(r#" {{ "alg" : "RS256" , "\u006fiat" : {oiat} }} "#),
        ] {
            let session = authenticate(&header).unwrap_or_else(|error| panic!("{header}: {error}"));
            assert_eq!(session.claims_read_at().as_secs(), *expected, "{header}");
            assert_eq!(session.claims_read_at().as_millis(), expected * 1_000, "{header}");
            assert_eq!(session.issued_at().as_secs(), IAT, "{header}");
        }
    }
}

#[test]
fn token_without_oiat_is_as_old_as_iat() {
    for header in [
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"RS256","OIAT":1,"oiat ":1,"x":{"oiat":1}}"#,
    ] {
        let session = authenticate(header).expect("it is valid");
        assert_eq!(session.claims_read_at(), session.issued_at(), "{header}");
    }
}

/// Two parsers of one header must not read two ages.
#[test]
fn header_with_two_oiat_or_no_json_number_is_refused() {
    for oiat in [
        r#"1600000000,"oiat":1600000000"#,
        r#"1600000000,"\u006fiat":1700000000"#,
        "01600000000",
        "+1600000000",
        "1600000000.",
        "0x10",
        "NaN",
        "Infinity",
        "1_600_000_000",
        "",
    ] {
        let refused = authenticate(&format!(r#"{{"alg":"RS256","oiat":{oiat}}}"#)).err();
        assert_eq!(
            refused,
            Some(AuthenticationError::Refused(Refusal::Malformed)),
            "{oiat}"
        );
    }
}
