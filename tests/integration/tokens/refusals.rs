//! Tests that every refused token has its own code, and that no invalid token is accepted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_auth::testing::Issuer;
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth_tests::app::{PARTY, TestApp};
use clerk_auth_tests::database::TestDatabase;
use serde_json::{Value, json};

const HEADER: &str = r#"{"alg":"RS256","kid":"ins_testing","typ":"JWT"}"#;

#[tokio::test]
async fn claims_that_do_not_agree_are_refused() {
    let app = TestApp::start(TestDatabase::sqlite()).await;
    let now = SystemClock.now().as_secs();
    for (replaced, code) in [
        (json!({}), ""),
        (
            json!({ "azp": "https://evil.example.com" }),
            "token_party_refused",
        ),
        (json!({ "azp": format!("{PARTY}/") }), "token_party_refused"),
        (json!({ "azp": "" }), "token_party_refused"),
        (json!({ "azp": null }), "token_claims_malformed"),
        (
            json!({ "iss": "https://clerk.example.com/" }),
            "token_issuer_refused",
        ),
        (
            json!({ "iss": "https://clerk.evil.example" }),
            "token_issuer_refused",
        ),
        (json!({ "iss": 7 }), "token_claims_malformed"),
        (json!({ "exp": now - 6 }), "token_expired"),
        (json!({ "exp": now - 60 }), "token_expired"),
        (json!({ "exp": "soon" }), "token_claims_malformed"),
        (json!({ "exp": 1e20 }), "token_claims_malformed"),
        (json!({ "exp": 1.5 }), "token_claims_malformed"),
        (json!({ "exp": -1 }), "token_claims_malformed"),
        (json!({ "exp": null }), "token_claims_malformed"),
        (json!({ "nbf": now + 30 }), "token_not_active_yet"),
        (json!({ "nbf": null }), "token_claims_malformed"),
        (json!({ "iat": now + 30 }), "token_issued_in_the_future"),
        (json!({ "iat": null }), "token_claims_malformed"),
        (json!({ "sub": "" }), "token_claims_malformed"),
        (json!({ "sub": 7 }), "token_claims_malformed"),
        (json!({ "sub": "mch_machine" }), "not_a_session_token"),
        (json!({ "sid": "" }), "token_claims_malformed"),
        (json!({ "sts": "pending" }), "session_pending"),
        (json!({ "sts": "whatever" }), "token_claims_malformed"),
        (json!({ "act": {} }), "token_claims_malformed"),
        (json!({ "o": "org_1" }), "token_claims_malformed"),
    ] {
        let answer = app
            .get(
                "/api/session",
                &app.token(app.claims("user_ada"), replaced.clone()),
            )
            .await;
        let status = if code.is_empty() { 200 } else { 401 };
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, code),
            "{replaced}"
        );
        let challenge = if code.is_empty() {
            ""
        } else {
            r#"Bearer error="invalid_token""#
        };
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    for (claim, code) in [
        ("azp", "token_party_refused"),
        ("iss", "token_claims_malformed"),
        ("exp", "token_claims_malformed"),
        ("iat", "token_claims_malformed"),
        ("nbf", ""),
        ("sub", "token_claims_malformed"),
        ("sid", "not_a_session_token"),
        ("sts", ""),
    ] {
        let mut claims = app.claims("user_ada");
        claims.remove(claim);
        let answer = app.get("/api/session", &app.token(claims, json!({}))).await;
        assert_eq!(answer.code(), code, "without {claim}");
    }
}

#[tokio::test]
async fn leeway_is_five_seconds_on_either_side() {
    use axum::http::HeaderMap;
    use axum::http::header::AUTHORIZATION;
    use clerk_auth::Clerk;
    use clerk_auth::clerk::AuthenticationError;
    use clerk_auth::testing::MovableClock;
    use clerk_auth::token::Refusal;

    let now = 1_700_000_000;
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = Clerk::builder()
        .issuer(issuer.url())
        .jwt_key(issuer.public_key_pem())
        .clock(MovableClock::new(Timestamp::from_secs(now)))
        .build()
        .expect("the configuration is right");
    for (claim, value, refusal) in [
        ("exp", now - 5, Some(Refusal::Expired)),
        ("exp", now - 4, None),
        ("nbf", now + 5, None),
        ("nbf", now + 6, Some(Refusal::NotActiveYet)),
        ("iat", now + 5, None),
        ("iat", now + 6, Some(Refusal::IssuedInTheFuture)),
    ] {
        let mut claims = issuer.claims("user_ada", Timestamp::from_secs(now));
        claims.insert(claim.to_owned(), json!(value));
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", issuer.sign(&claims));
        headers.insert(AUTHORIZATION, bearer.parse().expect("a token is a header value"));
        let found = clerk.authenticate(&headers).await.err();
        assert_eq!(
            found,
            refusal.map(AuthenticationError::Refused),
            "{claim} {}",
            value - now
        );
    }
}

#[tokio::test]
async fn headers_of_other_tokens_are_refused() {
    let app = TestApp::start(TestDatabase::sqlite()).await;
    let payload = Value::Object(app.claims("user_ada")).to_string();
    for (header, code) in [
        (HEADER, ""),
        (r#"{"alg":"RS256"}"#, ""),
        (r#"{"alg":"RS256","cat":"cl_B7d4PD111AAA","x":{}}"#, ""),
        // A ban after claims of 1970 may not be recorded any more.
        (
            r#"{"alg":"RS256","cat":"cl_B7d4PD111AAA","oiat":1}"#,
            "token_lives_too_long",
        ),
        (r#"{"alg":"RS256","cat":"cl_I7d4PD111III"}"#, ""),
        (
            r#"{"alg":"RS256","cat":"cl_B7d4PD222AAA"}"#,
            "not_a_session_token",
        ),
        (
            r#"{"alg":"RS256","cat":"cl_B7d4PD333AAA"}"#,
            "not_a_session_token",
        ),
        (r#"{"alg":"RS256","cat":7}"#, "not_a_session_token"),
        (r#"{"alg":"RS256","typ":"at+jwt"}"#, "not_a_session_token"),
        (r#"{"alg":"RS256","typ":"jwt"}"#, "not_a_session_token"),
        (r#"{"alg":"RS256","crit":["exp"]}"#, "token_critical_header"),
        (r#"{"alg":"RS256","crit":[]}"#, "token_critical_header"),
        (r#"{"alg":"RS256","kid":7}"#, "token_malformed"),
        (r#"{"alg":"RS256","alg":"RS256"}"#, "token_malformed"),
        (r#"{"alg":"none"}"#, "token_algorithm_refused"),
        (r#"{"alg":"None"}"#, "token_algorithm_refused"),
        (r#"{"alg":"HS256"}"#, "token_algorithm_refused"),
        (r#"{"alg":"rs256"}"#, "token_algorithm_refused"),
        (r#"{"alg":"RS512"}"#, "token_algorithm_refused"),
        (r#"{"alg":["RS256"]}"#, "token_algorithm_refused"),
        ("{}", "token_algorithm_refused"),
        ("[]", "token_malformed"),
        ("", "token_malformed"),
    ] {
        let answer = app
            .get("/api/session", &app.issuer.sign_raw(header, &payload))
            .await;
        assert_eq!(answer.code(), code, "{header}");
    }
}

#[tokio::test]
async fn tampered_tokens_are_refused() {
    let app = TestApp::start(TestDatabase::sqlite()).await;
    let token = app.token(app.claims("user_ada"), json!({}));
    let [header, payload, signature]: [&str; 3] = token
        .split('.')
        .collect::<Vec<_>>()
        .try_into()
        .expect("three parts");
    let stranger = Issuer::new("https://clerk.example.com");
    let admin = app.token(app.claims("user_admin"), json!({}));
    let other_payload = admin.split('.').nth(1).expect("three parts");
    let duplicate = app
        .issuer
        .sign_raw(HEADER, r#"{"sub":"user_ada","sub":"user_eve"}"#);
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let none = format!("{}.{payload}.", encode(r#"{"alg":"none"}"#));
    for (tampered, code) in [
        (
            format!("{header}.{other_payload}.{signature}"),
            "token_signature_invalid",
        ),
        (
            format!("{}.{payload}.{signature}", encode(HEADER)),
            "token_signature_invalid",
        ),
        (stranger.sign(&app.claims("user_ada")), "token_signature_invalid"),
        (
            format!("{header}.{payload}.{}", &signature[..340]),
            "token_signature_invalid",
        ),
        (format!("{header}.{payload}."), "token_signature_invalid"),
        (none, "token_algorithm_refused"),
        (format!("{header}.{payload}.{signature}="), "token_malformed"),
        (format!("{header}.{payload}.{signature}.x"), "token_malformed"),
        (format!("{header}.{payload}"), "token_malformed"),
        (format!(".{payload}.{signature}"), "token_malformed"),
        (format!("{header}..{signature}"), "token_signature_invalid"),
        (format!("{header}+.{payload}.{signature}"), "token_malformed"),
        (duplicate, "token_malformed"),
        (app.issuer.sign_raw(HEADER, "[]"), "token_malformed"),
        (app.issuer.sign_raw(HEADER, "{"), "token_malformed"),
        ("x".repeat(16_385), "token_too_long"),
        (".".repeat(100), "token_malformed"),
    ] {
        let answer = app.get("/api/session", &tampered).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, code), "{tampered}");
    }
    for at in (0..signature.len()).step_by(7) {
        let mut bytes = signature.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("base64 is text");
        let answer = app
            .get("/api/session", &format!("{header}.{payload}.{changed}"))
            .await;
        assert_eq!(answer.status, 401, "character {at} of the signature");
    }
}
