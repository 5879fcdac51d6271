//! Property tests: no change of a valid token is accepted, and verification does not panic for any input.

#![cfg(feature = "testing")]

use std::sync::LazyLock;

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use clerk_auth::{Clerk, Session};
use proptest::prelude::*;
use serde_json::{Map, Value};

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://clerk.example.com"));

static CLERK: LazyLock<Clerk> = LazyLock::new(|| {
    Clerk::builder()
        .issuer(ISSUER.url())
        .jwt_key(ISSUER.public_key_pem())
        .clock(MovableClock::new(NOW))
        .build()
        .expect("the configuration is right")
});

/// A token that is verified once and cached, so that the tests also cover a mistaken cache hit.
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let token = ISSUER.sign(&ISSUER.claims("user_ada", NOW));
    assert!(bearer(token.as_bytes()).is_some_and(|outcome| outcome.is_ok()));
    token
});

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const HEADER: &str = r#"{"alg":"RS256","typ":"JWT"}"#;

fn authenticate(headers: &HeaderMap) -> Result<Session, AuthenticationError> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts")
        .block_on(CLERK.authenticate(headers))
}

/// Authenticates with these bytes; `None` if an HTTP server would refuse them as a header.
fn bearer(token: &[u8]) -> Option<Result<Session, AuthenticationError>> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    headers.insert(AUTHORIZATION, value);
    Some(authenticate(&headers))
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z:,]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn claim_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "sub",
        "sid",
        "iss",
        "azp",
        "exp",
        "nbf",
        "iat",
        "sts",
        "v",
        "o",
        "fea",
        "pla",
        "fva",
        "act",
        "org_id",
        "org_role",
        "org_slug",
        "org_permissions",
        "aud",
        "custom",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn changed_byte_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut token = TOKEN.clone().into_bytes();
        let at = at.index(token.len());
        prop_assume!(token[at] != byte);
        token[at] = byte;
        prop_assert!(bearer(&token).is_none_or(|outcome| outcome.is_err()));
    }

    #[test]
    fn added_byte_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut token = TOKEN.clone().into_bytes();
        token.insert(at.index(token.len() + 1), byte);
        // White space around a header's value is not part of it (RFC 9110 section 5.5), but `HeaderMap` keeps it.
        prop_assert!(bearer(&token).is_none_or(|outcome| outcome.is_err()));
    }

    #[test]
    fn missing_stretch_is_refused(from in any::<prop::sample::Index>(), length in 1..64_usize) {
        let mut token = TOKEN.clone().into_bytes();
        let from = from.index(token.len());
        token.drain(from..token.len().min(from + length));
        prop_assert!(bearer(&token).is_none_or(|outcome| outcome.is_err()));
    }

    #[test]
    fn parts_of_two_tokens_do_not_make_a_third(choice in prop::collection::vec(any::<bool>(), 3)) {
        let other = ISSUER.sign(&ISSUER.claims("user_eve", NOW));
        prop_assume!(choice[1] != choice[2]);
        let parts: Vec<&str> = TOKEN
            .split('.')
            .zip(other.split('.'))
            .zip(choice)
            .map(|((one, another), first)| if first { one } else { another })
            .collect();
        prop_assert!(bearer(parts.join(".").as_bytes()).is_some_and(|outcome| outcome.is_err()));
    }

    #[test]
    fn whatever_arrives_is_answered(authorization in any::<Vec<u8>>(), cookie in any::<Vec<u8>>()) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(AUTHORIZATION, authorization), (COOKIE, cookie)] {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(name, value);
            }
        }
        prop_assert!(authenticate(&headers).is_err());
    }

    #[test]
    fn signed_header_of_any_bytes_is_answered(header in ".{0,80}", payload in ".{0,80}") {
        prop_assert!(bearer(ISSUER.sign_raw(&header, &payload).as_bytes()).is_some_and(|outcome| outcome.is_err()));
    }

    /// For any claims that Clerk might sign, the session either has the values of the standard claims or is refused.
    #[test]
    fn signed_claims_of_any_type_are_answered(
        replaced in prop::collection::hash_map(claim_name(), json_value(), 0..6)
    ) {
        let mut claims: Map<String, Value> = ISSUER.claims("user_ada", NOW);
        claims.extend(replaced);
        let token = ISSUER.sign_raw(HEADER, &Value::Object(claims.clone()).to_string());
        if let Some(Ok(session)) = bearer(token.as_bytes()) {
            prop_assert_eq!(Some(session.user_id().as_str()), claims["sub"].as_str());
            prop_assert_eq!(Some(session.id().as_str()), claims["sid"].as_str());
            prop_assert_eq!(session.issuer(), ISSUER.url());
            prop_assert!(session.expires_at().as_secs() > NOW.as_secs() - 5);
            prop_assert!(claims.get("sts").is_none_or(|status| status == "active"));
            prop_assert_eq!(session.impersonator().is_some(), claims.get("act").is_some_and(|actor| !actor.is_null()));
        }
    }
    /// Any character may be written as an escape (RFC 8259 section 7).
    #[test]
    fn claims_are_the_same_however_they_are_written(escaped in prop::collection::vec(any::<bool>(), 1..40)) {
        let mut claims = ISSUER.claims("user_ada", NOW);
        claims.extend(serde_json::json!({
            "azp": "https://app.example.com",
            "act": { "sub": "user_eve" },
            "fea": "o:notes,u:export",
            "pla": "u:pro",
            "o": { "id": "org_1", "slg": "acme", "rol": "admin", "per": "read,write", "fpm": "3" },
        }).as_object().cloned().unwrap_or_default());
        let payload = Value::Object(claims).to_string();
        let mut choices = escaped.iter().cycle();
        let mut in_text = false;
        let written: String = payload.chars().map(|character| {
            in_text ^= character == '"';
            if in_text && character != '"' && *choices.next().expect("they are repeated") {
                format!("\\u{:04x}", u32::from(character))
            } else {
                character.to_string()
            }
        }).collect();
        let [session, same] = [payload, written].map(|payload| {
            bearer(ISSUER.sign_raw(HEADER, &payload).as_bytes()).expect("a header").expect("a session token")
        });
        prop_assert_eq!(session.user_id(), same.user_id());
        prop_assert_eq!(session.id(), same.id());
        prop_assert_eq!(session.issuer(), same.issuer());
        prop_assert_eq!(session.authorized_party(), same.authorized_party());
        prop_assert_eq!(session.impersonator(), Some("user_eve"));
        prop_assert_eq!(session.impersonator(), same.impersonator());
        let [organization, again] = [&session, &same].map(|session| session.organization().expect("an organization"));
        prop_assert_eq!(organization.id(), again.id());
        prop_assert_eq!((organization.slug(), organization.role()), (Some("acme"), Some("org:admin")));
        prop_assert_eq!((organization.slug(), organization.role()), (again.slug(), again.role()));
        prop_assert!(organization.permissions().eq(["org:notes:read", "org:notes:write"]));
        prop_assert!(organization.permissions().eq(again.permissions()));
        prop_assert!(same.has_feature("export") && same.has_plan("u:pro"));
    }
}
