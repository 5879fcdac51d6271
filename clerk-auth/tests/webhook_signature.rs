//! Tests that only deliveries of Clerk are accepted: tables and properties over headers and bodies.

#![cfg(feature = "testing")]

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use clerk_auth::testing::{MovableClock, SignedDelivery};
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{SignatureError, TOLERANCE, WebhookVerifier};
use proptest::prelude::*;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: i64 = 1_700_000_000;
const BODY: &str = r#"{"object":"event","type":"user.created"}"#;
const HEADERS: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];

fn verifier(secret: &str) -> WebhookVerifier {
    WebhookVerifier::new(secret.parse().expect("a secret"))
}

fn headers(values: &[(&str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in values {
        headers.append(
            HeaderName::try_from(*name).expect("a header name"),
            HeaderValue::from_bytes(value).expect("a header value"),
        );
    }
    headers
}

/// Returns a valid delivery of [`BODY`].
fn delivery() -> SignedDelivery {
    SignedDelivery::raw(SECRET, "msg_1", &NOW.to_string(), BODY)
}

fn verify(headers: &HeaderMap, body: &[u8]) -> Result<(), SignatureError> {
    verifier(SECRET)
        .verify(headers, body, Timestamp::from_secs(NOW))
        .map(drop)
}

/// Returns the outcome of a valid delivery with one header replaced.
fn with(name: &'static str, value: &[u8]) -> Result<(), SignatureError> {
    let mut headers = delivery().headers().clone();
    headers.insert(name, HeaderValue::from_bytes(value).expect("a header value"));
    verify(&headers, BODY.as_bytes())
}

/// Tests the vectors of Svix and of the Standard Webhooks specification.
#[test]
fn published_vectors_are_verified() {
    let test_user = r#"{"email":"test@example.com","username":"test_user"}"#;
    for (secret, id, timestamp, body, signature, expected) in [
        (
            SECRET,
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            test_user,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            Ok(()),
        ),
        (
            OTHER,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            Ok(()),
        ),
        (
            SECRET,
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            test_user,
            "v1,R3PTzyfHASBKHH98a7yexTwaJ4yNIcGhFQc1yuN+BPU=",
            Err(SignatureError::Signature),
        ),
    ] {
        let time = timestamp.to_string();
        let headers = headers(&[
            ("svix-id", id.as_bytes()),
            ("svix-timestamp", time.as_bytes()),
            ("svix-signature", signature.as_bytes()),
        ]);
        let now = Timestamp::from_secs(timestamp);
        let verified = verifier(secret).verify(&headers, body.as_bytes(), now);
        assert_eq!(
            verified.map(|verified| assert_eq!(verified.as_str(), id)),
            expected,
            "{signature}"
        );
        if expected.is_ok() {
            let own = SignedDelivery::raw(secret, id, &time, body);
            assert_eq!(own.headers()["svix-signature"], signature);
        }
    }
}

#[test]
fn tolerance_is_inclusive_on_either_side() {
    let delivery = delivery();
    let tolerance = i64::try_from(TOLERANCE.as_secs()).expect("a small number");
    assert_eq!(tolerance, 300);
    for (milliseconds, expected) in [
        (0, Ok(())),
        (tolerance * 1_000, Ok(())),
        (tolerance * 1_000 + 999, Ok(())),
        ((tolerance + 1) * 1_000, Err(SignatureError::TooOld)),
        (-tolerance * 1_000, Ok(())),
        (-tolerance * 1_000 - 1, Err(SignatureError::InTheFuture)),
        (-(tolerance + 1) * 1_000, Err(SignatureError::InTheFuture)),
        (i64::MAX - NOW * 1_000, Err(SignatureError::TooOld)),
        (-NOW * 2_000, Err(SignatureError::InTheFuture)),
    ] {
        let now = Timestamp::from_millis(NOW * 1_000 + milliseconds);
        let verified = verifier(SECRET).verify(delivery.headers(), delivery.body(), now);
        assert_eq!(verified.map(drop), expected, "{milliseconds} ms");
    }
}

#[test]
fn time_is_accepted_as_whole_seconds_in_one_spelling() {
    let malformed = Err(SignatureError::HeaderMalformed("svix-timestamp"));
    for (timestamp, expected) in [
        ("1700000000", Ok(())),
        ("1700000000.0", malformed),
        ("1700000000.123", malformed),
        ("1.7e9", malformed),
        ("+1700000000", malformed),
        ("01700000000", malformed),
        (" 1700000000", malformed),
        ("1700000000 ", malformed),
        ("1700000000x", malformed),
        ("0x6553f100", malformed),
        ("1_700_000_000", malformed),
        ("-1700000000", malformed),
        ("-0", malformed),
        ("9223372036854775808", malformed),
        ("99999999999999999999999999999999", malformed),
        ("9223372036854775807", Err(SignatureError::InTheFuture)),
        ("1700000000000", Err(SignatureError::InTheFuture)),
        ("0", Err(SignatureError::TooOld)),
        ("1699999999", Ok(())),
    ] {
        // The signature covers the time as it is spelled, so only the spelling causes the refusal.
        let delivery = SignedDelivery::raw(SECRET, "msg_1", timestamp, BODY);
        assert_eq!(
            verify(delivery.headers(), delivery.body()),
            expected,
            "{timestamp}"
        );
    }
}

#[test]
fn header_that_repeats_or_is_not_text_is_refused() {
    let right = delivery();
    for name in HEADERS {
        let mut missing = right.headers().clone();
        missing.remove(name);
        let mut repeated = right.headers().clone();
        repeated.append(name, repeated[name].clone());
        assert_eq!(
            verify(&missing, right.body()),
            Err(SignatureError::HeaderMissing(name))
        );
        assert_eq!(
            verify(&repeated, right.body()),
            Err(SignatureError::HeaderRepeated(name))
        );
        for value in [
            &b""[..],
            b"msg_\xff",
            "msg_é".as_bytes(),
            b"\x09\x80",
            &[b'1'; 65_536],
        ] {
            assert_eq!(
                with(name, value),
                Err(SignatureError::HeaderMalformed(name)),
                "{name} {value:?}"
            );
        }
    }
    assert_eq!(
        verify(&HeaderMap::new(), b""),
        Err(SignatureError::HeaderMissing("svix-id"))
    );
}

/// The text `msg_1.1700000000.1700000001.{}` has a body of `1700000001.{}` or, with another id and time, of `{}`.
#[test]
fn signed_content_is_split_in_one_way_only() {
    let signed = SignedDelivery::raw(SECRET, "msg_1", "1700000000", "1700000001.{}");
    let mut moved = signed.headers().clone();
    moved.insert("svix-id", HeaderValue::from_static("msg_1.1700000000"));
    moved.insert("svix-timestamp", HeaderValue::from_static("1700000001"));
    assert_eq!(verify(signed.headers(), signed.body()), Ok(()));
    assert_eq!(
        verify(&moved, b"{}"),
        Err(SignatureError::HeaderMalformed("svix-id"))
    );
    let mut swapped = delivery().headers().clone();
    swapped.insert("svix-id", HeaderValue::from_static("1700000000"));
    swapped.insert("svix-timestamp", HeaderValue::from_static("1"));
    assert_eq!(verify(&swapped, BODY.as_bytes()), Err(SignatureError::TooOld));
    for id in ["msg_2", "msg_", "msg_11", "msg_1 ", "MSG_1"] {
        assert_eq!(
            with("svix-id", id.as_bytes()),
            Err(SignatureError::Signature),
            "{id}"
        );
    }
}

#[test]
fn one_of_several_signatures_and_secrets_is_enough() {
    let (old, new) = (
        SignedDelivery::raw(OTHER, "msg_1", &NOW.to_string(), BODY),
        delivery(),
    );
    let both = old.clone().also_signed_with(SECRET);
    let one = |secret| verifier(secret);
    let rotating = || verifier(OTHER).with_secret(SECRET.parse().expect("a secret"));
    let wrong = Err(SignatureError::Signature);
    for (name, verifier, delivery, expected) in [
        ("the secret", one(SECRET), &new, Ok(())),
        ("another secret", one(SECRET), &old, wrong),
        ("the right signature last", one(SECRET), &both, Ok(())),
        ("the right signature first", one(OTHER), &both, Ok(())),
        ("the second secret", rotating(), &new, Ok(())),
        ("the first secret", rotating(), &old, Ok(())),
        ("both", rotating(), &both, Ok(())),
    ] {
        let now = Timestamp::from_secs(NOW);
        let verified = verifier.verify(delivery.headers(), delivery.body(), now);
        assert_eq!(verified.map(drop), expected, "{name}");
    }
}

#[test]
fn signatures_have_one_spelling() {
    let right = delivery();
    let header = right.headers()["svix-signature"]
        .to_str()
        .expect("text")
        .to_owned();
    let encoded = header.strip_prefix("v1,").expect("the version");
    let bytes = STANDARD.decode(encoded).expect("base64");
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    // The last letter before the padding has two unused bits: 43 letters hold 258 bits.
    let loose = format!(
        "{}{}=",
        &encoded[..42],
        if &encoded[42..43] == "A" { "B" } else { "A" }
    );
    let invalid = Err(SignatureError::Signature);
    let unknown = Err(SignatureError::NoKnownVersion);
    let many = |count: usize| format!("{}{header}", format!("{wrong} ").repeat(count - 1));
    for (signatures, expected) in [
        (header.clone(), Ok(())),
        (format!("{wrong} {header}"), Ok(())),
        (format!("{header} {wrong}"), Ok(())),
        (format!("v1a,{encoded} v2,{encoded} {header}"), Ok(())),
        (format!("  {header}"), Ok(())),
        (format!("v1 x {header} v1,"), Ok(())),
        (many(16), Ok(())),
        (many(17), Err(SignatureError::TooManySignatures)),
        (" ".repeat(16), Err(SignatureError::TooManySignatures)),
        (format!("{header} {}", "x".repeat(2_047 - header.len())), Ok(())),
        (
            format!("{header} {}", "x".repeat(2_048 - header.len())),
            Err(SignatureError::HeaderMalformed("svix-signature")),
        ),
        (format!("v1a,{encoded}"), unknown),
        (format!("v2,{encoded}"), unknown),
        (format!("V1,{encoded}"), unknown),
        (format!(",{encoded}"), unknown),
        (encoded.to_owned(), unknown),
        ("v1".to_owned(), unknown),
        (" ".to_owned(), unknown),
        ("v1,".to_owned(), invalid),
        (wrong.to_owned(), invalid),
        (format!("v1,{}", &encoded[..43]), invalid),
        (format!("v1,{encoded}="), invalid),
        (format!("v1,{encoded},"), invalid),
        (format!("v1,{}", &encoded[..40]), invalid),
        (format!("v1,{loose}"), invalid),
        (format!("v1,{}", STANDARD.encode(&bytes[..31])), invalid),
        (format!("v1,{}", STANDARD.encode(&bytes[..16])), invalid),
        (
            format!("v1,{}", STANDARD.encode([&bytes[..], &[0]].concat())),
            invalid,
        ),
        (format!("v1,{}", STANDARD.encode(encoded)), invalid),
        (format!("v1,\t{encoded}"), invalid),
    ] {
        assert_eq!(
            with("svix-signature", signatures.as_bytes()),
            expected,
            "{signatures}"
        );
    }
    let url_safe = URL_SAFE.encode(&bytes);
    assert_eq!(
        with("svix-signature", format!("v1,{url_safe}").as_bytes()).is_ok(),
        url_safe == encoded
    );
}

#[test]
fn every_bit_of_the_body_is_signed() {
    let delivery = delivery();
    for at in 0..BODY.len() * 8 {
        let mut body = delivery.body().to_vec();
        body[at / 8] ^= 1 << (at % 8);
        assert_eq!(
            verify(delivery.headers(), &body),
            Err(SignatureError::Signature),
            "bit {at}"
        );
    }
    let longer = [delivery.body(), b"\n"].concat();
    for body in [&longer, &b""[..], &delivery.body()[1..]] {
        assert_eq!(verify(delivery.headers(), body), Err(SignatureError::Signature));
    }
}

#[test]
fn other_names_count_only_where_they_are_accepted() {
    let svix = delivery();
    let mut standard = HeaderMap::new();
    for name in HEADERS {
        let renamed = HeaderName::try_from(name.replace("svix", "webhook")).expect("a name");
        standard.insert(renamed, svix.headers()[name].clone());
    }
    let mut both = standard.clone();
    both.extend(svix.headers().clone());
    let mut mixed = standard.clone();
    mixed.insert("svix-id", HeaderValue::from_static("msg_1"));
    let mut stale = standard.clone();
    for name in HEADERS {
        stale.insert(name, HeaderValue::from_static("1"));
    }
    let strict = verifier(SECRET);
    let lenient = strict.clone().accept_standard_names();
    for (name, verifier, headers, expected) in [
        ("svix", &strict, svix.headers(), Ok(())),
        ("svix", &lenient, svix.headers(), Ok(())),
        (
            "webhook",
            &strict,
            &standard,
            Err(SignatureError::HeaderMissing("svix-id")),
        ),
        ("webhook", &lenient, &standard, Ok(())),
        ("both", &strict, &both, Ok(())),
        ("both", &lenient, &both, Ok(())),
        (
            "mixed",
            &lenient,
            &mixed,
            Err(SignatureError::HeaderMissing("svix-timestamp")),
        ),
        ("svix first", &lenient, &stale, Err(SignatureError::TooOld)),
    ] {
        let verified = verifier.verify(headers, BODY.as_bytes(), Timestamp::from_secs(NOW));
        assert_eq!(verified.map(drop), expected, "{name}");
    }
}

#[test]
fn each_reason_has_a_code_of_its_own() {
    let codes = [
        SignatureError::HeaderMissing("svix-id"),
        SignatureError::HeaderRepeated("svix-id"),
        SignatureError::HeaderMalformed("svix-id"),
        SignatureError::TooManySignatures,
        SignatureError::NoKnownVersion,
        SignatureError::TooOld,
        SignatureError::InTheFuture,
        SignatureError::Signature,
    ]
    .map(|error| error.code());
    assert_eq!(
        codes,
        [
            "webhook_header_missing",
            "webhook_header_repeated",
            "webhook_header_malformed",
            "webhook_signatures_too_many",
            "webhook_signature_version_unknown",
            "webhook_too_old",
            "webhook_in_the_future",
            "webhook_signature_invalid",
        ]
    );
}

#[test]
fn verifier_has_the_clock_it_was_given_and_prints_no_secret() {
    let clock = MovableClock::new(Timestamp::from_secs(NOW));
    let verifier = verifier(SECRET).clock(clock.clone());
    clock.advance(TOLERANCE);
    assert_eq!(verifier.now().as_secs(), NOW + 300);
    let printed = format!("{verifier:?} {:?}", delivery());
    assert!(
        !printed.contains("C2FVsBQI") && printed.contains("secrets: 1"),
        "{printed}"
    );
}

static RIGHT: LazyLock<SignedDelivery> = LazyLock::new(delivery);

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn changed_byte_of_a_header_is_refused(
        name in prop::sample::select(HEADERS.to_vec()),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut value = RIGHT.headers()[name].as_bytes().to_vec();
        let at = at.index(value.len());
        prop_assume!(value[at] != byte);
        value[at] = byte;
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let mut headers = RIGHT.headers().clone();
            headers.insert(name, value);
            prop_assert!(verify(&headers, RIGHT.body()).is_err());
        }
    }

    #[test]
    fn changed_byte_of_the_body_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = RIGHT.body().to_vec();
        let at = at.index(body.len());
        prop_assume!(body[at] != byte);
        body[at] = byte;
        prop_assert_eq!(verify(RIGHT.headers(), &body), Err(SignatureError::Signature));
    }

    #[test]
    fn whatever_arrives_is_answered(
        names in prop::collection::vec(prop::sample::select(HEADERS.to_vec()), 0..6),
        values in prop::collection::vec(any::<Vec<u8>>(), 6),
        body in any::<Vec<u8>>(),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in names.into_iter().zip(values) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        prop_assert!(verify(&headers, &body).is_err());
    }

    #[test]
    fn signed_delivery_is_verified(id in "[!-\\-/-~]{1,256}", body in any::<Vec<u8>>()) {
        let delivery = SignedDelivery::raw(SECRET, &id, &NOW.to_string(), body);
        prop_assert_eq!(verify(delivery.headers(), delivery.body()), Ok(()));
    }
}
