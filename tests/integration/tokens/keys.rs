//! Tests of keys over HTTP: fetched once, kept during an outage, and never taken from an answer other than 200.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk_auth::Clerk;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use clerk_auth::token::Refusal;
use clerk_auth_tests::log::Log;
use tokio::net::TcpListener;

/// A JWKS endpoint with a configurable answer, which counts its requests.
#[derive(Clone)]
struct Endpoint {
    url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    fetches: Arc<AtomicUsize>,
}

impl Endpoint {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let endpoint = Self {
            url: format!("http://{address}/jwks"),
            answer: Arc::new(Mutex::new((StatusCode::NOT_FOUND, String::new()))),
            fetches: Arc::default(),
        };
        let router = Router::new()
            .route("/jwks", get(Self::serve))
            .route("/moved", get(|| async { StatusCode::NO_CONTENT }))
            .with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        endpoint
    }

    async fn serve(State(endpoint): State<Self>) -> (StatusCode, [(&'static str, &'static str); 1], String) {
        endpoint.fetches.fetch_add(1, Ordering::SeqCst);
        let (status, body) = endpoint.answer.lock().expect("no test panicked").clone();
        (status, [("location", "/moved")], body)
    }

    fn answers(&self, status: StatusCode, body: impl Into<String>) {
        *self.answer.lock().expect("no test panicked") = (status, body.into());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn clerk(&self, issuer: &Issuer, clock: &MovableClock) -> Clerk {
        Clerk::builder()
            .issuer(issuer.url())
            .jwks_url(&self.url)
            .clock(clock.clone())
            .build()
            .expect("the configuration is right")
    }
}

fn clock() -> MovableClock {
    MovableClock::new(Timestamp::from_secs(1_700_000_000))
}

/// Creates a token that does not expire during the test.
fn token(issuer: &Issuer, clerk: &Clerk) -> String {
    let mut claims = issuer.claims("user_ada", clerk.now());
    claims.insert("exp".to_owned(), (clerk.now().as_secs() + 600).into());
    issuer.sign(&claims)
}

async fn verify(clerk: &Clerk, issuer: &Issuer) -> Result<(), AuthenticationError> {
    verify_token(clerk, &issuer.sign(&issuer.claims("user_ada", clerk.now()))).await
}

async fn verify_token(clerk: &Clerk, token: &str) -> Result<(), AuthenticationError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        AUTHORIZATION,
        format!("Bearer {token}").parse().expect("a header value"),
    );
    clerk.authenticate(&headers).await.map(drop)
}

const UNKNOWN: Result<(), AuthenticationError> = Err(AuthenticationError::Refused(Refusal::UnknownKey));

#[tokio::test(flavor = "multi_thread")]
async fn fifty_cold_requests_make_one_fetch() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let issuer = Arc::new(Issuer::new("https://clerk.example.com"));
    endpoint.answers(StatusCode::OK, issuer.jwks().to_string());
    let clerk = endpoint.clerk(&issuer, &clock);
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (clerk, issuer) = (clerk.clone(), Arc::clone(&issuer));
            tokio::spawn(async move { verify(&clerk, &issuer).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.expect("no panic"), Ok(()));
    }
    assert_eq!(endpoint.fetches(), 1);
}

#[tokio::test]
async fn flood_of_unknown_keys_makes_one_fetch_in_an_interval() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let issuer = Issuer::new("https://clerk.example.com");
    endpoint.answers(StatusCode::OK, issuer.jwks().to_string());
    let clerk = endpoint.clerk(&issuer, &clock);
    let mut stranger = Issuer::new(issuer.url());
    for number in 0..30 {
        stranger = stranger.with_key_id(&format!("ins_{number}"));
        assert_eq!(verify(&clerk, &stranger).await, UNKNOWN);
    }
    assert_eq!(endpoint.fetches(), 1);
    assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    clock.advance(Duration::from_secs(10));
    assert_eq!(verify(&clerk, &stranger).await, UNKNOWN);
    assert_eq!(endpoint.fetches(), 2);
}

#[tokio::test]
async fn rotation_is_noticed_while_the_old_key_still_serves() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let old = Issuer::new("https://clerk.example.com").with_key_id("ins_old");
    let new = Issuer::new("https://clerk.example.com").with_key_id("ins_new");
    endpoint.answers(StatusCode::OK, old.jwks().to_string());
    let clerk = endpoint.clerk(&old, &clock);
    assert_eq!(verify(&clerk, &old).await, Ok(()));

    let both = [old.jwks()["keys"][0].clone(), new.jwks()["keys"][0].clone()];
    endpoint.answers(StatusCode::OK, serde_json::json!({ "keys": both }).to_string());
    clock.advance(Duration::from_secs(60));
    assert_eq!(verify(&clerk, &new).await, Ok(()));
    assert_eq!(verify(&clerk, &old).await, Ok(()));

    // The removed key is not trusted after the document was fetched again.
    endpoint.answers(StatusCode::OK, new.jwks().to_string());
    clock.advance(Duration::from_secs(60));
    assert_eq!(
        verify(&clerk, &Issuer::new(old.url()).with_key_id("ins_x")).await,
        UNKNOWN
    );
    assert_eq!(verify(&clerk, &old).await, UNKNOWN);
    assert_eq!(verify(&clerk, &new).await, Ok(()));
}

#[tokio::test]
async fn unchanged_document_replaces_no_key() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let [old, new] = replaced_key();
    endpoint.answers(StatusCode::OK, old.jwks().to_string());
    let clerk = endpoint.clerk(&old, &clock);
    assert_eq!(verify(&clerk, &old).await, Ok(()));
    let unknown = Issuer::new(old.url()).with_key_id("ins_x");
    let replacements = || {
        let lines = log.lines();
        lines.iter().filter(|line| line.contains("was replaced")).count()
    };
    for (document, expected) in [(&old, 0), (&old, 0), (&new, 1), (&new, 1)] {
        endpoint.answers(StatusCode::OK, document.jwks().to_string());
        clock.advance(Duration::from_secs(60));
        assert_eq!(verify(&clerk, &unknown).await, UNKNOWN);
        assert_eq!(replacements(), expected, "{:?}", log.lines());
    }
    assert_eq!(endpoint.fetches(), 5);
}

const BAD_SIGNATURE: Result<(), AuthenticationError> = Err(AuthenticationError::Refused(Refusal::Signature));

/// Creates two keys of one instance with one id, because Clerk derives the `kid` from the instance.
fn replaced_key() -> [Issuer; 2] {
    ["old", "new"].map(|_| Issuer::new("https://clerk.example.com").with_key_id("ins_1"))
}

#[tokio::test]
async fn replaced_key_is_noticed_by_the_first_signature_that_fails() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let [old, new] = replaced_key();
    endpoint.answers(StatusCode::OK, old.jwks().to_string());
    let clerk = endpoint.clerk(&old, &clock);
    let verified = token(&old, &clerk);
    assert_eq!(verify_token(&clerk, &verified).await, Ok(()));
    assert_eq!(verify_token(&clerk, &verified).await, Ok(()));
    assert_eq!(endpoint.fetches(), 1);

    endpoint.answers(StatusCode::OK, new.jwks().to_string());
    // The request whose signature first failed is accepted.
    assert_eq!(verify(&clerk, &new).await, Ok(()));
    assert_eq!(endpoint.fetches(), 2);
    // The old key is not trusted any more, not even for a token that it has verified before.
    assert_eq!(verify_token(&clerk, &verified).await, BAD_SIGNATURE);
    assert_eq!(verify(&clerk, &old).await, BAD_SIGNATURE);
    assert_eq!(verify(&clerk, &new).await, Ok(()));
    assert_eq!(endpoint.fetches(), 2);
}

#[tokio::test]
async fn key_that_is_replaced_back_and_forth_is_followed() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let [old, new] = replaced_key();
    endpoint.answers(StatusCode::OK, old.jwks().to_string());
    let clerk = endpoint.clerk(&old, &clock);
    let verified = token(&old, &clerk);
    assert_eq!(verify_token(&clerk, &verified).await, Ok(()));
    for (round, (current, other)) in [(&new, &old), (&old, &new), (&new, &old)].into_iter().enumerate() {
        endpoint.answers(StatusCode::OK, current.jwks().to_string());
        assert_eq!(verify(&clerk, current).await, Ok(()), "round {round}");
        assert_eq!(verify(&clerk, other).await, BAD_SIGNATURE, "round {round}");
        let expected = if round == 1 { Ok(()) } else { BAD_SIGNATURE };
        assert_eq!(verify_token(&clerk, &verified).await, expected, "round {round}");
        assert_eq!(endpoint.fetches(), round + 2);
        clock.advance(Duration::from_secs(10));
    }
    // The key is replaced again within the time between two fetches; the library notices it after this time.
    assert_eq!(verify(&clerk, &old).await, BAD_SIGNATURE);
    endpoint.answers(StatusCode::OK, old.jwks().to_string());
    clock.advance(Duration::from_secs(9));
    assert_eq!(verify(&clerk, &old).await, BAD_SIGNATURE);
    clock.advance(Duration::from_secs(1));
    assert_eq!(verify(&clerk, &old).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_failing_signatures_make_one_fetch() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let [old, new] = replaced_key();
    endpoint.answers(StatusCode::OK, old.jwks().to_string());
    let clerk = endpoint.clerk(&old, &clock);
    assert_eq!(verify(&clerk, &old).await, Ok(()));
    endpoint.answers(StatusCode::OK, new.jwks().to_string());
    let new = Arc::new(new);
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (clerk, new) = (clerk.clone(), Arc::clone(&new));
            tokio::spawn(async move { verify(&clerk, &new).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.expect("no panic"), Ok(()));
    }
    assert_eq!(endpoint.fetches(), 2);
}

/// Sends forged tokens and tokens of unknown keys for a minute, ten in each second.
#[tokio::test]
async fn flood_of_forged_tokens_is_bounded_and_does_not_delay_a_rotation() {
    for unknown_keys in [false, true] {
        let (endpoint, clock) = (Endpoint::start().await, clock());
        let [old, new] = replaced_key();
        let forger = Issuer::new(old.url()).with_key_id("ins_1");
        endpoint.answers(StatusCode::OK, old.jwks().to_string());
        let clerk = endpoint.clerk(&old, &clock);
        assert_eq!(verify(&clerk, &old).await, Ok(()));
        let forged = token(&forger, &clerk);
        let stranger = token(&Issuer::new(old.url()).with_key_id("ins_2"), &clerk);
        let mut noticed_after = None;
        for second in 0..60 {
            if second == 33 {
                endpoint.answers(StatusCode::OK, new.jwks().to_string());
            }
            for _ in 0..10 {
                assert_eq!(verify_token(&clerk, &forged).await, BAD_SIGNATURE);
                if unknown_keys {
                    assert_eq!(verify_token(&clerk, &stranger).await, UNKNOWN);
                }
            }
            if second >= 33 && noticed_after.is_none() && verify(&clerk, &new).await.is_ok() {
                noticed_after = Some(second - 33);
            }
            clock.advance(Duration::from_secs(1));
        }
        let (most, delay) = if unknown_keys { (12, 10) } else { (6, 10) };
        assert!(endpoint.fetches() <= 1 + most, "{} fetches", endpoint.fetches());
        assert!(
            noticed_after.is_some_and(|seconds| seconds <= delay),
            "{noticed_after:?}"
        );
        assert_eq!(verify(&clerk, &new).await, Ok(()));
        assert_eq!(verify(&clerk, &old).await, BAD_SIGNATURE);
    }
}

#[tokio::test]
async fn bad_signature_is_a_refusal_while_the_document_cannot_be_had() {
    let [old, new] = replaced_key();
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, new.jwks().to_string()),
        (StatusCode::FOUND, new.jwks().to_string()),
        (StatusCode::OK, String::new()),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, "{}".to_owned()),
        (StatusCode::OK, r#"{"keys":[]}"#.to_owned()),
        (
            StatusCode::OK,
            r#"{"keys":[{"kid":"ins_1","kty":"RSA","n":"!","e":"AQAB"}]}"#.to_owned(),
        ),
    ] {
        let (endpoint, clock) = (Endpoint::start().await, clock());
        endpoint.answers(StatusCode::OK, old.jwks().to_string());
        let clerk = endpoint.clerk(&old, &clock);
        assert_eq!(verify(&clerk, &old).await, Ok(()));
        endpoint.answers(status, &*body);
        for _ in 0..20 {
            assert_eq!(verify(&clerk, &new).await, BAD_SIGNATURE, "{status} {body}");
            // The known key still verifies tokens.
            assert_eq!(verify(&clerk, &old).await, Ok(()), "{status} {body}");
        }
        assert_eq!(endpoint.fetches(), 2, "{status} {body}");
        // The document is available again, and the next failed signature fetches it.
        endpoint.answers(StatusCode::OK, new.jwks().to_string());
        clock.advance(Duration::from_secs(10));
        assert_eq!(verify(&clerk, &new).await, Ok(()), "{status} {body}");
        assert_eq!(verify(&clerk, &old).await, BAD_SIGNATURE, "{status} {body}");
    }
}

#[tokio::test]
async fn rotation_of_one_key_leaves_the_other_alone() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let [old, new] = replaced_key();
    let other = Issuer::new(old.url()).with_key_id("ins_2");
    let document = |issuers: [&Issuer; 2]| {
        let keys = issuers.map(|issuer| issuer.jwks()["keys"][0].clone());
        serde_json::json!({ "keys": keys }).to_string()
    };
    endpoint.answers(StatusCode::OK, document([&old, &other]));
    let clerk = endpoint.clerk(&old, &clock);
    let verified = token(&other, &clerk);
    assert_eq!(verify_token(&clerk, &verified).await, Ok(()));
    assert_eq!(verify(&clerk, &old).await, Ok(()));

    endpoint.answers(StatusCode::OK, document([&new, &other]));
    assert_eq!(verify(&clerk, &new).await, Ok(()));
    assert_eq!(verify_token(&clerk, &verified).await, Ok(()));
    assert_eq!(verify(&clerk, &other).await, Ok(()));
    assert_eq!(verify(&clerk, &old).await, BAD_SIGNATURE);
    assert_eq!(endpoint.fetches(), 2);

    // The key is withdrawn: its tokens are refused, also those that it has verified before.
    clock.advance(Duration::from_secs(10));
    endpoint.answers(StatusCode::OK, other.jwks().to_string());
    assert_eq!(verify(&clerk, &old).await, BAD_SIGNATURE);
    assert_eq!(verify(&clerk, &new).await, UNKNOWN);
    assert_eq!(verify_token(&clerk, &verified).await, Ok(()));
    assert_eq!(endpoint.fetches(), 3);
}

/// A configured PEM key is never replaced, and never causes a fetch.
#[tokio::test]
async fn pem_key_is_never_replaced() {
    let [old, new] = replaced_key();
    let clerk = old.clerk();
    assert_eq!(verify(&clerk, &new).await, BAD_SIGNATURE);
    assert_eq!(verify(&clerk, &old).await, Ok(()));
}

#[tokio::test]
async fn cached_keys_serve_through_an_outage_up_to_an_hour() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let issuer = Issuer::new("https://clerk.example.com");
    endpoint.answers(StatusCode::OK, issuer.jwks().to_string());
    let clerk = endpoint.clerk(&issuer, &clock);
    assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    endpoint.answers(StatusCode::INTERNAL_SERVER_ERROR, issuer.jwks().to_string());
    for _ in 0..5 {
        clock.advance(Duration::from_secs(11 * 60));
        assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    }
    clock.advance(Duration::from_secs(6 * 60));
    let unavailable = verify(&clerk, &issuer).await;
    assert!(
        matches!(unavailable, Err(AuthenticationError::KeysUnavailable { .. })),
        "{unavailable:?}"
    );
}

#[tokio::test]
async fn keys_of_a_bad_answer_are_not_installed() {
    let issuer = Issuer::new("https://clerk.example.com");
    let jwks = issuer.jwks().to_string();
    let padded = format!(
        r#"{{"keys":{},"x":"{}"}}"#,
        issuer.jwks()["keys"],
        "x".repeat(50 * 1024 * 1024)
    );
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, jwks.clone()),
        (StatusCode::NOT_FOUND, jwks.clone()),
        (StatusCode::FOUND, jwks),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, r#"{"keys":[]}"#.to_owned()),
        (StatusCode::OK, padded),
    ] {
        let (endpoint, clock) = (Endpoint::start().await, clock());
        endpoint.answers(status, body);
        let clerk = endpoint.clerk(&issuer, &clock);
        let found = verify(&clerk, &issuer).await;
        assert!(
            matches!(found, Err(AuthenticationError::KeysUnavailable { .. })),
            "{status}: {found:?}"
        );
        // The second attempt does not fetch the document again.
        assert_eq!(verify(&clerk, &issuer).await, found);
        assert_eq!(endpoint.fetches(), 1, "{status}");
    }
}

#[tokio::test]
async fn unsupported_key_does_not_lose_the_others() {
    let (endpoint, clock) = (Endpoint::start().await, clock());
    let issuer = Issuer::new("https://clerk.example.com");
    let mut encryption = Issuer::new(issuer.url()).with_key_id("ins_encryption").jwks()["keys"][0].clone();
    encryption["use"] = "enc".into();
    let mut other_algorithm = Issuer::new(issuer.url()).with_key_id("ins_rs512").jwks()["keys"][0].clone();
    other_algorithm["alg"] = "RS512".into();
    // The keys have 1,024 and 16,384 bits.
    let [weak, huge] = [128, 2_048].map(|bytes| URL_SAFE_NO_PAD.encode(vec![0xc3; bytes]));
    let keys = serde_json::json!({ "keys": [
        7,
        { "kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "ins_ec" },
        { "kty": "RSA", "kid": "ins_short", "n": "AQAB", "e": "AQAB" },
        { "kty": "RSA", "kid": "ins_broken", "n": "!", "e": "AQAB" },
        { "kty": "RSA", "kid": "ins_weak", "n": weak, "e": "AQAB" },
        { "kty": "RSA", "kid": "ins_huge", "n": huge, "e": "AQAB" },
        encryption,
        other_algorithm,
        issuer.jwks()["keys"][0],
    ]});
    endpoint.answers(StatusCode::OK, keys.to_string());
    let clerk = endpoint.clerk(&issuer, &clock);
    assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    for other in [
        "ins_ec",
        "ins_short",
        "ins_broken",
        "ins_weak",
        "ins_huge",
        "ins_encryption",
        "ins_rs512",
    ] {
        let stranger = Issuer::new(issuer.url()).with_key_id(other);
        assert_eq!(verify(&clerk, &stranger).await, UNKNOWN, "{other}");
    }
}
