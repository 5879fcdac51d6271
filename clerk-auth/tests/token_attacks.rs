//! The attack corpus: tokens as data, each with the code of its refusal, or an empty code for a valid token.

#![cfg(feature = "testing")]

use std::sync::LazyLock;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use clerk_auth::Clerk;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use serde_json::{Map, Value};

const NOW: i64 = 1_700_000_000;
const PARTY: &str = "https://app.example.com";
const HEADER: &str = r#"{"alg":"RS256","kid":"ins_testing","typ":"JWT"}"#;

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("https://clerk.example.com"));

static CLERK: LazyLock<Clerk> = LazyLock::new(|| {
    Clerk::builder()
        .issuer(ISSUER.url())
        .jwt_key(ISSUER.public_key_pem())
        .authorized_parties([PARTY])
        .clock(MovableClock::new(Timestamp::from_secs(NOW)))
        .build()
        .expect("the configuration is right")
});

/// Returns the code of the refusal; empty if the token is accepted.
fn outcome(token: &[u8]) -> &'static str {
    let mut headers = HeaderMap::new();
    let bearer = [b"Bearer ", token].concat();
    headers.insert(
        AUTHORIZATION,
        HeaderValue::from_bytes(&bearer).expect("the corpus holds header values"),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    match runtime.block_on(CLERK.authenticate(&headers)) {
        Ok(_) => "",
        Err(AuthenticationError::Refused(refusal)) => refusal.code(),
        Err(other) => panic!("a PEM key is at hand: {other}"),
    }
}

fn claims() -> Map<String, Value> {
    let mut claims = ISSUER.claims("user_ada", Timestamp::from_secs(NOW));
    claims.insert("azp".to_owned(), PARTY.into());
    claims
}

fn payload() -> String {
    Value::Object(claims()).to_string()
}

fn signed(header: &str, payload: &str) -> String {
    ISSUER.sign_raw(header, payload)
}

fn check(cases: &[(String, Vec<u8>, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, token, expected)| {
            let found = outcome(token);
            (found != *expected).then(|| format!("{name}: expected `{expected}`, found `{found}`"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Correctly signed headers over a valid payload.
const HEADERS: &[(&str, &str)] = &[
    (HEADER, ""),
    (r#"{"alg":"RS256"}"#, ""),
    (r#" {"alg" : "RS256"} "#, ""),
    (r#"{"alg":"RS256","kid":"ins_of_somebody_else"}"#, ""), // a PEM key has no id, so any id is accepted
    (
        r#"{"alg":"RS256","cat":"cl_B7d4PD111AAA","oiat":1700000000,"new":[{}]}"#,
        "",
    ),
    (r#"{"alg":"RS256","oiat":1}"#, "token_lives_too_long"),
    (r#"{"alg":"RS256","cat":"cl_I7d4PD111III"}"#, ""),
    // The library ignores an address or a key that an attacker sets.
    (r#"{"alg":"RS256","jku":"http://127.0.0.1:1/jwks.json"}"#, ""),
    (r#"{"alg":"RS256","x5u":"http://127.0.0.1:1/"}"#, ""),
    (r#"{"alg":"RS256","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}"#, ""),
    // Algorithms.
    (r#"{"alg":"none"}"#, "token_algorithm_refused"),
    (r#"{"alg":"None"}"#, "token_algorithm_refused"),
    (r#"{"alg":"NONE"}"#, "token_algorithm_refused"),
    (r#"{"alg":""}"#, "token_algorithm_refused"),
    (r#"{"alg":"HS256"}"#, "token_algorithm_refused"),
    (r#"{"alg":"HS384"}"#, "token_algorithm_refused"),
    (r#"{"alg":"HS512"}"#, "token_algorithm_refused"),
    (r#"{"alg":"RS384"}"#, "token_algorithm_refused"),
    (r#"{"alg":"RS512"}"#, "token_algorithm_refused"),
    (r#"{"alg":"PS256"}"#, "token_algorithm_refused"),
    (r#"{"alg":"ES256"}"#, "token_algorithm_refused"),
    (r#"{"alg":"EdDSA"}"#, "token_algorithm_refused"),
    (r#"{"alg":"RS1"}"#, "token_algorithm_refused"),
    (r#"{"alg":"rs256"}"#, "token_algorithm_refused"),
    (r#"{"alg":"RS256 "}"#, "token_algorithm_refused"),
    (r#"{"alg":"RS256\u0000"}"#, "token_algorithm_refused"),
    (r#"{"alg":["RS256"]}"#, "token_algorithm_refused"),
    (r#"{"alg":null}"#, "token_algorithm_refused"),
    (r#"{"alg":256}"#, "token_algorithm_refused"),
    (r#"{"Alg":"RS256"}"#, "token_algorithm_refused"),
    ("{}", "token_algorithm_refused"),
    // Critical parameters, even an empty list.
    (
        r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
        "token_critical_header",
    ),
    (r#"{"alg":"RS256","crit":["exp"]}"#, "token_critical_header"),
    (r#"{"alg":"RS256","crit":[]}"#, "token_critical_header"),
    (r#"{"alg":"RS256","crit":null}"#, "token_critical_header"),
    // Tokens of other types.
    (r#"{"alg":"RS256","typ":"at+jwt"}"#, "not_a_session_token"),
    (
        r#"{"alg":"RS256","typ":"application/at+jwt"}"#,
        "not_a_session_token",
    ),
    (r#"{"alg":"RS256","typ":"jwt"}"#, "not_a_session_token"),
    (r#"{"alg":"RS256","typ":"JWS"}"#, "not_a_session_token"),
    (r#"{"alg":"RS256","typ":""}"#, "not_a_session_token"),
    (r#"{"alg":"RS256","typ":null}"#, "not_a_session_token"),
    (r#"{"alg":"RS256","typ":["JWT"]}"#, "not_a_session_token"),
    (
        r#"{"alg":"RS256","cat":"cl_B7d4PD222AAA"}"#,
        "not_a_session_token",
    ),
    (
        r#"{"alg":"RS256","cat":"cl_B7d4PD333AAA"}"#,
        "not_a_session_token",
    ),
    (
        r#"{"alg":"RS256","cat":"cl_B7d4PD999AAA"}"#,
        "not_a_session_token",
    ),
    (
        r#"{"alg":"RS256","cat":"CL_B7D4PD111AAA"}"#,
        "not_a_session_token",
    ),
    (r#"{"alg":"RS256","cat":""}"#, "not_a_session_token"),
    (r#"{"alg":"RS256","cat":null}"#, "not_a_session_token"),
    (
        r#"{"alg":"RS256","cat":["cl_B7d4PD111AAA"]}"#,
        "not_a_session_token",
    ),
    // Values that are not key ids.
    (r#"{"alg":"RS256","kid":null}"#, "token_malformed"),
    (r#"{"alg":"RS256","kid":1}"#, "token_malformed"),
    (r#"{"alg":"RS256","kid":["ins_testing"]}"#, "token_malformed"),
    // Two values of one parameter.
    (r#"{"alg":"RS256","alg":"none"}"#, "token_malformed"),
    (r#"{"alg":"none","alg":"RS256"}"#, "token_malformed"),
    (r#"{"alg":"RS256","\u0061lg":"none"}"#, "token_malformed"),
    (r#"{"alg":"RS256","kid":"a","kid":"b"}"#, "token_malformed"),
    (r#"{"alg":"RS256","typ":"at+jwt","typ":"JWT"}"#, "token_malformed"),
    (r#"{"alg":"RS256","x":{"y":1,"y":2}}"#, "token_malformed"),
    // Not JSON objects.
    ("", "token_malformed"),
    ("[]", "token_malformed"),
    (r#""RS256""#, "token_malformed"),
    ("null", "token_malformed"),
    (r#"{"alg":"RS256""#, "token_malformed"),
    (r#"{"alg":"RS256"}x"#, "token_malformed"),
    (r#"{"alg":"RS256"}{"alg":"RS256"}"#, "token_malformed"),
    (r#"{"alg":"RS256",}"#, "token_malformed"),
    (r#"{alg:"RS256"}"#, "token_malformed"),
    (r#"{'alg':'RS256'}"#, "token_malformed"),
    ("\u{feff}{\"alg\":\"RS256\"}", "token_malformed"),
    (r#"{"alg":"RS256","x":"\ud800"}"#, "token_malformed"),
    (r#"{"alg":"RS256","x":1e999}"#, "token_malformed"),
];

/// Claims (as a JSON object) that replace valid ones, correctly signed.
const CLAIMS: &[(&str, &str)] = &[
    ("{}", ""),
    (
        r#"{"jti":"x","aud":"https://api.example.com","custom":{"a":[1]}}"#,
        "",
    ),
    (r#"{"v":"2"}"#, ""),
    (r#"{"v":3}"#, ""),
    // Parties, byte for byte.
    (r#"{"azp":"https://evil.example.com"}"#, "token_party_refused"),
    (r#"{"azp":"https://app.example.com/"}"#, "token_party_refused"),
    (r#"{"azp":"https://app.example.com:443"}"#, "token_party_refused"),
    (r#"{"azp":"https://APP.example.com"}"#, "token_party_refused"),
    (r#"{"azp":"http://app.example.com"}"#, "token_party_refused"),
    (
        r#"{"azp":"https://app.example.com.evil.com"}"#,
        "token_party_refused",
    ),
    (
        r#"{"azp":"https://app.example.com\u0000"}"#,
        "token_party_refused",
    ),
    (r#"{"azp":" https://app.example.com"}"#, "token_party_refused"),
    (r#"{"azp":"*"}"#, "token_party_refused"),
    (r#"{"azp":""}"#, "token_party_refused"),
    (r#"{"azp":null}"#, "token_claims_malformed"),
    (r#"{"azp":["https://app.example.com"]}"#, "token_claims_malformed"),
    (r#"{"azp":true}"#, "token_claims_malformed"),
    // Issuers, byte for byte.
    (r#"{"iss":"https://clerk.evil.example"}"#, "token_issuer_refused"),
    (r#"{"iss":"https://clerk.example.com/"}"#, "token_issuer_refused"),
    (r#"{"iss":"http://clerk.example.com"}"#, "token_issuer_refused"),
    (r#"{"iss":"clerk.example.com"}"#, "token_issuer_refused"),
    (r#"{"iss":"https://CLERK.example.com"}"#, "token_issuer_refused"),
    (
        r#"{"iss":"https://clerk.example.com@evil.com"}"#,
        "token_issuer_refused",
    ),
    (
        r#"{"iss":"https://clerk.example.com.evil.com"}"#,
        "token_issuer_refused",
    ),
    (r#"{"iss":""}"#, "token_claims_malformed"),
    (r#"{"iss":null}"#, "token_claims_malformed"),
    (
        r#"{"iss":["https://clerk.example.com"]}"#,
        "token_claims_malformed",
    ),
    (r#"{"iss":7}"#, "token_claims_malformed"),
    // The end: NOW is 1700000000, with a tolerance of five seconds.
    (r#"{"exp":1699999996}"#, ""),
    (r#"{"exp":1699999995}"#, "token_expired"),
    (r#"{"exp":1699999994}"#, "token_expired"),
    (r#"{"exp":1}"#, "token_expired"),
    (r#"{"exp":0}"#, "token_expired"),
    (r#"{"exp":-1}"#, "token_claims_malformed"),
    (r#"{"exp":-9223372036854775808}"#, "token_claims_malformed"),
    (r#"{"exp":9223372036854775807}"#, "token_claims_malformed"),
    (r#"{"exp":18446744073709551615}"#, "token_claims_malformed"),
    (r#"{"exp":18446744073709551616}"#, "token_claims_malformed"),
    (r#"{"exp":1e20}"#, "token_claims_malformed"),
    (r#"{"exp":1.7e9}"#, "token_claims_malformed"),
    (r#"{"exp":1700000060.0}"#, "token_claims_malformed"),
    (r#"{"exp":1700000060.5}"#, "token_claims_malformed"),
    (r#"{"exp":1700000060000}"#, "token_claims_malformed"), // milliseconds
    (r#"{"exp":"1700000060"}"#, "token_claims_malformed"),
    (r#"{"exp":"never"}"#, "token_claims_malformed"),
    (r#"{"exp":null}"#, "token_claims_malformed"),
    (r#"{"exp":true}"#, "token_claims_malformed"),
    (r#"{"exp":[1700000060]}"#, "token_claims_malformed"),
    (r#"{"exp":{"seconds":1700000060}}"#, "token_claims_malformed"),
    // The beginning.
    (r#"{"nbf":1700000005}"#, ""),
    (r#"{"nbf":1700000006}"#, "token_not_active_yet"),
    (r#"{"nbf":1800000000}"#, "token_not_active_yet"),
    (r#"{"nbf":253402300800}"#, "token_claims_malformed"),
    (r#"{"nbf":-1}"#, "token_claims_malformed"),
    (r#"{"nbf":1.5}"#, "token_claims_malformed"),
    (r#"{"nbf":"1"}"#, "token_claims_malformed"),
    (r#"{"nbf":null}"#, "token_claims_malformed"),
    (r#"{"iat":1700000005}"#, ""),
    (r#"{"iat":1700000006}"#, "token_issued_in_the_future"),
    (r#"{"iat":1800000000}"#, "token_issued_in_the_future"),
    (r#"{"iat":-1}"#, "token_claims_malformed"),
    (r#"{"iat":1.5}"#, "token_claims_malformed"),
    (r#"{"iat":"1"}"#, "token_claims_malformed"),
    (r#"{"iat":null}"#, "token_claims_malformed"),
    // The user of the session.
    (r#"{"sub":""}"#, "token_claims_malformed"),
    (r#"{"sub":null}"#, "token_claims_malformed"),
    (r#"{"sub":7}"#, "token_claims_malformed"),
    (r#"{"sub":["user_ada"]}"#, "token_claims_malformed"),
    (r#"{"sub":{"id":"user_ada"}}"#, "token_claims_malformed"),
    (r#"{"sub":"mch_machine"}"#, "not_a_session_token"),
    (r#"{"sid":""}"#, "token_claims_malformed"),
    (r#"{"sid":null}"#, "token_claims_malformed"),
    (r#"{"sid":7}"#, "token_claims_malformed"),
    // The status.
    (r#"{"sts":"active"}"#, ""),
    (r#"{"sts":"pending"}"#, "session_pending"),
    (r#"{"sts":"revoked"}"#, "token_claims_malformed"),
    (r#"{"sts":"Active"}"#, "token_claims_malformed"),
    (r#"{"sts":""}"#, "token_claims_malformed"),
    (r#"{"sts":null}"#, "token_claims_malformed"),
    (r#"{"sts":true}"#, "token_claims_malformed"),
    // An unreadable actor must not pass as an absent one.
    (r#"{"act":{"sub":"user_admin"}}"#, ""),
    (r#"{"act":null}"#, ""),
    (r#"{"act":{}}"#, "token_claims_malformed"),
    (r#"{"act":{"sub":""}}"#, "token_claims_malformed"),
    (r#"{"act":{"sub":7}}"#, "token_claims_malformed"),
    (r#"{"act":"user_admin"}"#, "token_claims_malformed"),
    (r#"{"act":[]}"#, "token_claims_malformed"),
    (r#"{"act":false}"#, "token_claims_malformed"),
    (r#"{"act":""}"#, "token_claims_malformed"),
    (r#"{"act":{"type":"agent"}}"#, "token_claims_malformed"),
    (r#"{"act":{"type":"agent","sub":null}}"#, "token_claims_malformed"),
    (r#"{"act":{"type":"agent","sub":"agent_1"}}"#, ""),
    (r#"{"act":{"type":null,"sub":"user_admin"}}"#, ""),
    (
        r#"{"act":{"type":7,"sub":"user_admin"}}"#,
        "token_claims_malformed",
    ),
    (
        r#"{"act":{"type":["agent"],"sub":"user_admin"}}"#,
        "token_claims_malformed",
    ),
    (
        r#"{"act":{"type":{},"sub":"user_admin"}}"#,
        "token_claims_malformed",
    ),
    (
        r#"{"act":{"type":true,"sub":"user_admin"}}"#,
        "token_claims_malformed",
    ),
    (
        r#"{"act":{"type":"person","type":"agent","sub":"user_admin"}}"#,
        "token_malformed",
    ),
    // An unreadable organization.
    (r#"{"o":{"id":"org_1"}}"#, ""),
    (r#"{"o":{}}"#, "token_claims_malformed"),
    (r#"{"o":{"id":""}}"#, "token_claims_malformed"),
    (r#"{"o":{"id":7}}"#, "token_claims_malformed"),
    (r#"{"o":{"id":"org_1","rol":7}}"#, "token_claims_malformed"),
    (r#"{"o":{"id":"org_1","per":["read"]}}"#, "token_claims_malformed"),
    (r#"{"o":{"id":"org_1","fpm":3}}"#, "token_claims_malformed"),
    (r#"{"o":"org_1"}"#, "token_claims_malformed"),
    (r#"{"o":[]}"#, "token_claims_malformed"),
    // The code is that of the first failure, in the order party, issuer, end, status.
    (
        r#"{"azp":"https://x.y","iss":"https://x.y","exp":1}"#,
        "token_party_refused",
    ),
    (
        r#"{"iss":"https://x.y","exp":1,"sts":"pending"}"#,
        "token_issuer_refused",
    ),
    (r#"{"exp":1,"nbf":1800000000,"sts":"pending"}"#, "token_expired"),
    (r#"{"exp":1,"sub":""}"#, "token_claims_malformed"),
];

/// Complete payloads, correctly signed.
const PAYLOADS: &[(&str, &str)] = &[
    ("", "token_malformed"),
    ("{", "token_malformed"),
    ("[]", "token_malformed"),
    ("null", "token_malformed"),
    ("7", "token_malformed"),
    (r#""{}""#, "token_malformed"),
    ("{}", "token_claims_malformed"),
    ("\u{feff}{}", "token_malformed"),
    (r#"{"sub":"user_ada"}"#, "not_a_session_token"),
    (r#"{"sub":"user_ada","sid":"sess_1"}"#, "token_claims_malformed"),
    (r#"{"sub":"user_ada","sub":"user_eve"}"#, "token_malformed"),
    (r#"{"sub":"user_ada","\u0073ub":"user_eve"}"#, "token_malformed"),
    (r#"{"exp":1,"exp":9999999999}"#, "token_malformed"),
    (r#"{"o":{"id":"org_1","id":"org_2"}}"#, "token_malformed"),
    (r#"{"metadata":[{"a":1,"a":1}]}"#, "token_malformed"),
];

const MISSING: &[(&str, &str)] = &[
    ("sub", "token_claims_malformed"),
    ("sid", "not_a_session_token"),
    ("iss", "token_claims_malformed"),
    ("azp", "token_party_refused"),
    ("exp", "token_claims_malformed"),
    ("iat", "token_claims_malformed"),
    ("nbf", ""),
    ("sts", ""),
    ("fva", ""),
    ("v", ""),
];

#[test]
fn corpus_has_many_tokens() {
    let cases = HEADERS.len() + CLAIMS.len() + PAYLOADS.len() + MISSING.len();
    println!("{cases} properly signed tokens, and those with other signatures and texts");
    assert!(cases >= 150);
}

#[test]
fn signed_tokens_with_other_headers() {
    let payload = payload();
    let cases: Vec<_> = HEADERS
        .iter()
        .map(|(header, expected)| {
            (
                (*header).to_owned(),
                signed(header, &payload).into_bytes(),
                *expected,
            )
        })
        .collect();
    check(&cases);
}

#[test]
fn signed_tokens_with_other_claims() {
    let mut cases = Vec::new();
    for (replaced, expected) in CLAIMS {
        let mut claims = claims();
        let replaced_claims: Map<String, Value> =
            serde_json::from_str(replaced).unwrap_or_else(|_| panic!("{replaced}"));
        // Numbers keep their spelling: `1e20` must not become another text.
        let mut text = String::from("{");
        for name in replaced_claims.keys() {
            claims.remove(name);
        }
        let kept = Value::Object(claims).to_string();
        text.push_str(kept.trim_start_matches('{').trim_end_matches('}'));
        let inner = replaced.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let inner = inner.expect("an object");
        if !inner.is_empty() {
            text.push(',');
            text.push_str(inner);
        }
        text.push('}');
        cases.push((
            (*replaced).to_owned(),
            signed(HEADER, &text).into_bytes(),
            *expected,
        ));
    }
    for (payload, expected) in PAYLOADS {
        cases.push((
            (*payload).to_owned(),
            signed(HEADER, payload).into_bytes(),
            *expected,
        ));
    }
    for (name, expected) in MISSING {
        let mut claims = claims();
        claims.remove(*name);
        let token = signed(HEADER, &Value::Object(claims).to_string());
        cases.push((format!("without {name}"), token.into_bytes(), *expected));
    }
    let deep = format!(r#"{{"a":{}"#, "[".repeat(3_000));
    cases.push((
        "deep nesting".to_owned(),
        signed(HEADER, &deep).into_bytes(),
        "token_malformed",
    ));
    let mut not_text = URL_SAFE_NO_PAD.encode(HEADER);
    not_text = format!("{not_text}.{}", URL_SAFE_NO_PAD.encode(b"{\"sub\":\"\xff\"}"));
    cases.push((
        "unsigned bytes".to_owned(),
        format!("{not_text}.AAAA").into_bytes(),
        "token_signature_invalid",
    ));
    check(&cases);
}

#[test]
fn tokens_that_were_tampered_with() {
    let token = signed(HEADER, &payload());
    let (header, rest) = token.split_once('.').expect("three parts");
    let (payload_part, signature) = rest.split_once('.').expect("three parts");
    let other_payload = URL_SAFE_NO_PAD.encode(payload().replace("user_ada", "user_eve"));
    let stranger = Issuer::new(ISSUER.url());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let raw = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let padded_payload = URL_SAFE.encode(payload().replace("\"v\":2", "\"v\":22"));
    let standard = STANDARD.encode(&raw);
    let mut longer = raw.clone();
    longer.insert(0, 0);
    let cases: Vec<(&str, String, &str)> = vec![
        ("as it is", token.clone(), ""),
        (
            "another payload",
            format!("{header}.{other_payload}.{signature}"),
            "token_signature_invalid",
        ),
        (
            "another header",
            format!(
                "{}.{payload_part}.{signature}",
                URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#)
            ),
            "token_signature_invalid",
        ),
        (
            "a stranger's key",
            stranger.sign_raw(HEADER, &payload()),
            "token_signature_invalid",
        ),
        (
            "no signature",
            format!("{header}.{payload_part}."),
            "token_signature_invalid",
        ),
        (
            "no algorithm, no signature",
            format!("{none}.{payload_part}."),
            "token_algorithm_refused",
        ),
        (
            "no algorithm, the signature",
            format!("{none}.{payload_part}.{signature}"),
            "token_algorithm_refused",
        ),
        (
            "half a signature",
            format!("{header}.{payload_part}.{}", URL_SAFE_NO_PAD.encode(&raw[..128])),
            "token_signature_invalid",
        ),
        (
            "a zero before the signature",
            format!("{header}.{payload_part}.{}", URL_SAFE_NO_PAD.encode(&longer)),
            "token_signature_invalid",
        ),
        (
            "a signature of zeros",
            format!("{header}.{payload_part}.{}", URL_SAFE_NO_PAD.encode([0; 256])),
            "token_signature_invalid",
        ),
        (
            "a signature of ones",
            format!("{header}.{payload_part}.{}", URL_SAFE_NO_PAD.encode([255; 256])),
            "token_signature_invalid",
        ),
        (
            "a padded signature",
            format!("{header}.{payload_part}.{signature}=="),
            "token_malformed",
        ),
        (
            "a padded payload",
            format!("{header}.{padded_payload}=.{signature}"),
            "token_signature_invalid",
        ),
        (
            "the signature in standard base64",
            format!("{header}.{payload_part}.{}", standard.trim_end_matches('=')),
            if standard.contains(['+', '/']) {
                "token_malformed"
            } else {
                ""
            },
        ),
        (
            "a plus in the header",
            format!("{header}+.{payload_part}.{signature}"),
            "token_malformed",
        ),
        (
            "a space inside",
            format!("{header}. {payload_part}.{signature}"),
            "credential_malformed",
        ),
        ("a space before", format!(" {token}"), "credential_malformed"),
        (
            "a tab inside",
            format!("{header}.\t{payload_part}.{signature}"),
            "token_signature_invalid",
        ),
        ("a comma behind", format!("{token},"), "token_malformed"),
        ("two tokens", format!("{token},{token}"), "token_malformed"),
        ("two parts", format!("{header}.{payload_part}"), "token_malformed"),
        ("one part", header.to_owned(), "token_malformed"),
        ("four parts", format!("{token}.{signature}"), "token_malformed"),
        (
            "five parts, as an encrypted token",
            format!("{token}.AA.AA"),
            "token_malformed",
        ),
        (
            "an empty header",
            format!(".{payload_part}.{signature}"),
            "token_malformed",
        ),
        (
            "an empty payload",
            format!("{header}..{signature}"),
            "token_signature_invalid",
        ),
        ("dots", "..".to_owned(), "token_malformed"),
        ("many dots", ".".repeat(8_000), "token_malformed"),
        ("quoted", format!("\"{token}\""), "token_malformed"),
        ("percent-encoded", token.replace('.', "%2E"), "token_malformed"),
        (
            "the general JSON serialization",
            format!(r#"{{"payload":"{payload_part}"}}"#),
            "token_malformed",
        ),
        (
            "an opaque machine token",
            format!("mt_{}", "0".repeat(32)),
            "token_malformed",
        ),
        (
            "an opaque OAuth token",
            format!("oat_{}", "0".repeat(32)),
            "token_malformed",
        ),
        ("an API key", format!("ak_{}", "0".repeat(32)), "token_malformed"),
        ("a secret key", "sk_test_0000".to_owned(), "token_malformed"),
        ("the longest", "x".repeat(16_384), "token_malformed"),
        ("too long", "x".repeat(16_385), "token_too_long"),
        (
            "much too long, well signed",
            signed(HEADER, &format!(r#"{{"x":"{}"}}"#, "x".repeat(13_000))),
            "token_too_long",
        ),
    ];
    let cases: Vec<_> = cases
        .into_iter()
        .map(|(name, token, expected)| (name.to_owned(), token.into_bytes(), expected))
        .collect();
    check(&cases);
}

/// Clerk limits each kind of metadata to 8 KB. With `allow(unbounded_claims)`, a template may contain all of one kind.
#[test]
fn whole_metadata_fits_into_a_token() {
    for size in [5_600, 8_192] {
        let mut claims = claims();
        let metadata = serde_json::json!({ "notes": "x".repeat(size) });
        claims.insert("metadata".to_owned(), metadata);
        let token = signed(HEADER, &Value::Object(claims).to_string());
        assert_eq!(outcome(token.as_bytes()), "", "{size}");
    }
}
