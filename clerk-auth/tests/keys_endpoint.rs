//! Tests of a JWKS endpoint that hangs, and of a clock that is set back: a request with a known key never waits.

#![cfg(all(feature = "jwks", feature = "testing"))]

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use clerk_auth::Clerk;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::Issuer;
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::token::Refusal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// An endpoint that answers each request with the document, or delays the answer until the test releases it.
struct Endpoint {
    url: String,
    document: Mutex<String>,
    hangs: Mutex<bool>,
    release: Notify,
    fetches: AtomicUsize,
    arrived: Notify,
    answered: Notify,
}

impl Endpoint {
    async fn start(document: String) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let endpoint = Arc::new(Self {
            url: format!("http://{address}/jwks"),
            document: Mutex::new(document),
            hangs: Mutex::new(false),
            release: Notify::new(),
            fetches: AtomicUsize::new(0),
            arrived: Notify::new(),
            answered: Notify::new(),
        });
        let serving = Arc::clone(&endpoint);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(connection));
            }
        });
        endpoint
    }

    async fn serve(self: Arc<Self>, mut connection: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match connection.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return,
            }
        }
        self.fetches.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
        let hangs = *self.hangs.lock().expect("no test panicked");
        if hangs {
            self.release.notified().await;
        }
        let document = self.document.lock().expect("no test panicked").clone();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{document}",
            document.len()
        );
        // The client may have closed the connection.
        let _ = connection.write_all(answer.as_bytes()).await;
        self.answered.notify_one();
    }

    fn hangs(&self, hangs: bool) {
        *self.hangs.lock().expect("no test panicked") = hangs;
    }

    fn publishes(&self, document: String) {
        *self.document.lock().expect("no test panicked") = document;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

/// Waits for an event; without the event, the test fails instead of hanging.
async fn happens(event: &Notify) {
    tokio::time::timeout(Duration::from_secs(20), event.notified())
        .await
        .expect("it happens within 20 seconds");
}

/// A clock that can also go back.
#[derive(Clone, Debug)]
struct Wristwatch(Arc<AtomicI64>);

impl Wristwatch {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_700_000_000)))
    }

    fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Wristwatch {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

fn clerk(endpoint: &Endpoint, issuer: &Issuer, clock: &Wristwatch) -> Clerk {
    Clerk::builder()
        .issuer(issuer.url())
        .jwks_url(&endpoint.url)
        .insecure_accept_long_lived_tokens() // the cases include a lifetime of years
        .clock(clock.clone())
        .build()
        .expect("the configuration is right")
}

async fn verify(clerk: &Clerk, issuer: &Issuer) -> Result<(), AuthenticationError> {
    verify_token(clerk, &issuer.sign(&issuer.claims("user_ada", clerk.now()))).await
}

async fn verify_token(clerk: &Clerk, token: &str) -> Result<(), AuthenticationError> {
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {token}")
        .parse()
        .expect("a token is a header value");
    headers.insert(AUTHORIZATION, bearer);
    clerk.authenticate(&headers).await.map(drop)
}

const UNKNOWN: Result<(), AuthenticationError> = Err(AuthenticationError::Refused(Refusal::UnknownKey));

#[tokio::test]
async fn request_whose_key_is_known_does_not_wait_for_a_hanging_endpoint() {
    let issuer = Issuer::new("https://clerk.example.com");
    let endpoint = Endpoint::start(issuer.jwks().to_string()).await;
    let clock = Wristwatch::new();
    let clerk = clerk(&endpoint, &issuer, &clock);
    assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    happens(&endpoint.arrived).await;

    endpoint.hangs(true);
    clock.turn(301);
    // The refresh is due: it starts, and no request waits for it.
    for _ in 0..50 {
        assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    }
    happens(&endpoint.arrived).await;
    // The unknown key of another request delays no request either.
    let stranger = Issuer::new(issuer.url()).with_key_id("ins_stranger");
    let waiting = tokio::spawn({
        let clerk = clerk.clone();
        async move { verify(&clerk, &stranger).await }
    });
    for _ in 0..50 {
        assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    }
    assert_eq!(endpoint.fetches(), 2);
    endpoint.release.notify_one();
    assert_eq!(waiting.await.expect("no panic"), UNKNOWN);
    assert_eq!(endpoint.fetches(), 2);
}

#[tokio::test]
async fn dropped_request_does_not_cancel_the_fetch() {
    let issuer = Issuer::new("https://clerk.example.com");
    let endpoint = Endpoint::start(issuer.jwks().to_string()).await;
    endpoint.hangs(true);
    let clerk = clerk(&endpoint, &issuer, &Wristwatch::new());
    let issuer = Arc::new(issuer);
    let request = || {
        let (clerk, issuer) = (clerk.clone(), Arc::clone(&issuer));
        tokio::spawn(async move { verify(&clerk, &issuer).await })
    };
    let given_up = request();
    happens(&endpoint.arrived).await;
    let patient = request();
    tokio::task::yield_now().await;
    given_up.abort();
    assert!(given_up.await.is_err());
    endpoint.release.notify_one();
    assert_eq!(patient.await.expect("no panic"), Ok(()));
    assert_eq!(endpoint.fetches(), 1);
}

#[tokio::test]
async fn only_the_request_whose_signature_failed_waits_for_a_hanging_endpoint() {
    let old = Issuer::new("https://clerk.example.com").with_key_id("ins_1");
    let new = Issuer::new("https://clerk.example.com").with_key_id("ins_1");
    let endpoint = Endpoint::start(old.jwks().to_string()).await;
    let clerk = clerk(&endpoint, &old, &Wristwatch::new());
    assert_eq!(verify(&clerk, &old).await, Ok(()));
    happens(&endpoint.arrived).await;

    endpoint.hangs(true);
    endpoint.publishes(new.jwks().to_string());
    let new = Arc::new(new);
    let request = || {
        let (clerk, new) = (clerk.clone(), Arc::clone(&new));
        tokio::spawn(async move { verify(&clerk, &new).await })
    };
    let given_up = request();
    happens(&endpoint.arrived).await;
    for _ in 0..50 {
        assert_eq!(verify(&clerk, &old).await, Ok(()));
    }
    // A cancelled request does not cancel the fetch that others wait for.
    let patient = request();
    tokio::task::yield_now().await;
    given_up.abort();
    assert!(given_up.await.is_err());
    endpoint.release.notify_one();
    assert_eq!(patient.await.expect("no panic"), Ok(()));
    assert_eq!(
        verify(&clerk, &old).await,
        Err(AuthenticationError::Refused(Refusal::Signature))
    );
    assert_eq!(endpoint.fetches(), 2);
}

#[tokio::test]
async fn forged_tokens_that_wait_for_a_fetch_cause_no_other() {
    let issuer = Issuer::new("https://clerk.example.com").with_key_id("ins_1");
    let forger = Issuer::new(issuer.url()).with_key_id("ins_1");
    let endpoint = Endpoint::start(issuer.jwks().to_string()).await;
    let clerk = clerk(&endpoint, &issuer, &Wristwatch::new());
    assert_eq!(verify(&clerk, &issuer).await, Ok(()));
    happens(&endpoint.arrived).await;

    endpoint.hangs(true);
    let forged = forger.sign(&forger.claims("user_ada", clerk.now()));
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (clerk, forged) = (clerk.clone(), forged.clone());
            tokio::spawn(async move { verify_token(&clerk, &forged).await })
        })
        .collect();
    // On one thread, all requests wait before the endpoint receives the fetch.
    happens(&endpoint.arrived).await;
    endpoint.hangs(false);
    endpoint.release.notify_one();
    for request in requests {
        assert_eq!(
            request.await.expect("no panic"),
            Err(AuthenticationError::Refused(Refusal::Signature))
        );
    }
    assert_eq!(endpoint.fetches(), 2);
}

/// Paused time jumps to the fetch's own time limit when every task waits.
#[tokio::test(start_paused = true)]
async fn endpoint_that_never_answers_is_unavailable_and_not_a_refusal() {
    let issuer = Issuer::new("https://clerk.example.com");
    let endpoint = Endpoint::start(issuer.jwks().to_string()).await;
    endpoint.hangs(true);
    let clerk = clerk(&endpoint, &issuer, &Wristwatch::new());
    let started = tokio::time::Instant::now();
    let found = verify(&clerk, &issuer).await;
    assert!(
        matches!(found, Err(AuthenticationError::KeysUnavailable { retry_after }) if retry_after <= Duration::from_secs(10)),
        "{found:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn clock_that_was_set_back_does_not_keep_a_removed_key() {
    let old = Issuer::new("https://clerk.example.com").with_key_id("ins_old");
    let new = Issuer::new("https://clerk.example.com").with_key_id("ins_new");
    let endpoint = Endpoint::start(old.jwks().to_string()).await;
    let clock = Wristwatch::new();
    let clerk = clerk(&endpoint, &old, &clock);
    assert_eq!(verify(&clerk, &old).await, Ok(()));
    happens(&endpoint.answered).await;

    clock.turn(-86_400);
    endpoint.publishes(new.jwks().to_string());
    // The last use of the old key starts the refresh.
    assert_eq!(verify(&clerk, &old).await, Ok(()));
    happens(&endpoint.answered).await;
    assert_eq!(verify(&clerk, &new).await, Ok(()));
    assert_eq!(verify(&clerk, &old).await, UNKNOWN);
    assert_eq!(endpoint.fetches(), 2);
}

/// `POST /v1/sessions/{id}/tokens` can mint tokens that are valid for years.
#[tokio::test]
async fn token_that_was_verified_before_goes_with_its_key() {
    for (key_id, expected) in [
        ("ins_new", Refusal::UnknownKey),
        // The token has a known key id, and the signature of another key.
        ("ins_old", Refusal::Signature),
    ] {
        let old = Issuer::new("https://clerk.example.com").with_key_id("ins_old");
        let new = Issuer::new("https://clerk.example.com").with_key_id(key_id);
        let endpoint = Endpoint::start(old.jwks().to_string()).await;
        let clock = Wristwatch::new();
        let clerk = clerk(&endpoint, &old, &clock);
        let mut claims = old.claims("user_ada", clerk.now());
        claims.insert("exp".to_owned(), 1_800_000_000.into());
        let token = old.sign(&claims);
        assert_eq!(verify_token(&clerk, &token).await, Ok(()));
        happens(&endpoint.answered).await;

        endpoint.publishes(new.jwks().to_string());
        clock.turn(301);
        // This use starts the refresh, and does not wait for it.
        assert_eq!(verify_token(&clerk, &token).await, Ok(()));
        happens(&endpoint.answered).await;
        // A request with an unknown key waits for the running fetch.
        let stranger = Issuer::new(old.url()).with_key_id("ins_stranger");
        assert_eq!(verify(&clerk, &stranger).await, UNKNOWN);
        assert_eq!(
            verify_token(&clerk, &token).await,
            Err(AuthenticationError::Refused(expected))
        );
        assert_eq!(verify(&clerk, &new).await, Ok(()));
    }
}
