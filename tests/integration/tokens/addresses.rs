//! Tests that keys are fetched and secrets are sent only from and to the configured address, over a connection that
//! cannot be forged.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, HOST, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use clerk_auth::Clerk;
use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::clerk::{AuthenticationError, ConfigurationError};
use clerk_auth::dev::{StandIn, StandInError};
use clerk_auth::id::UserId;
use clerk_auth::testing::{Issuer, user_object};
use clerk_auth::time::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt;

/// A server that counts its requests, and gives every request the same answer.
struct Server {
    origin: String,
    requests: Arc<AtomicUsize>,
    arrivals: Arc<Semaphore>,
}

impl Server {
    async fn start(status: StatusCode, location: String, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let origin = format!("http://{}", listener.local_addr().expect("it has an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let arrivals = Arc::new(Semaphore::new(0));
        let router = Router::new().fallback({
            let (requests, arrivals) = (Arc::clone(&requests), Arc::clone(&arrivals));
            move |request: Request| {
                requests.fetch_add(1, Ordering::SeqCst);
                arrivals.add_permits(1);
                let location = format!("{location}{}", request.uri());
                std::future::ready((status, [(LOCATION, location)], body.clone()).into_response())
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        Self {
            origin,
            requests,
            arrivals,
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Waits for the next request; without a request, the test fails instead of hanging.
    async fn arrival(&self) {
        let arrival = tokio::time::timeout(Duration::from_secs(20), self.arrivals.acquire());
        arrival.await.expect("within 20 seconds").expect("open").forget();
    }
}

/// Every status that redirects.
const REDIRECTS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

async fn authenticate(clerk: &Clerk, issuer: &Issuer) -> Result<(), AuthenticationError> {
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", issuer.token("user_ada").sign());
    headers.insert(AUTHORIZATION, bearer.parse().expect("a header value"));
    clerk.authenticate(&headers).await.map(drop)
}

#[tokio::test]
async fn redirected_jwks_is_not_fetched() {
    let issuer = Issuer::new("https://clerk.example.com");
    for status in REDIRECTS {
        let elsewhere = Server::start(StatusCode::OK, String::new(), issuer.jwks().to_string()).await;
        // The document in the redirect itself is not accepted either.
        let moved = Server::start(status, elsewhere.origin.clone(), issuer.jwks().to_string()).await;
        let clerk = |server: &Server| {
            let keys = format!("{}/jwks", server.origin);
            let builder = Clerk::builder().issuer(issuer.url()).jwks_url(keys);
            builder.build().expect("the configuration is right")
        };
        let found = authenticate(&clerk(&moved), &issuer).await;
        assert!(
            matches!(found, Err(AuthenticationError::KeysUnavailable { .. })),
            "{status}: {found:?}"
        );
        assert_eq!((moved.requests(), elsewhere.requests()), (1, 0), "{status}");
        // The keys at the other address are correct.
        assert_eq!(authenticate(&clerk(&elsewhere), &issuer).await, Ok(()));
    }
}

#[tokio::test]
async fn secret_key_does_not_follow_a_redirect() {
    let ada = user_object("user_ada", Timestamp::from_secs(1_000));
    for status in REDIRECTS {
        let elsewhere = Server::start(StatusCode::OK, String::new(), ada.to_string()).await;
        let moved = Server::start(status, elsewhere.origin.clone(), ada.to_string()).await;
        let api =
            |server: &Server| BackendApi::with_base_url(&server.origin, "sk_test_secret").expect("loopback");
        let found = api(&moved).user(&UserId::new("user_ada")).await;
        let expected = status.as_u16();
        assert!(
            matches!(found, Err(BackendApiError::Status { status, .. }) if status == expected),
            "{status}: {found:?}"
        );
        api(&moved).users(None, 10).await.expect_err("no list of users");
        assert_eq!((moved.requests(), elsewhere.requests()), (2, 0), "{status}");
        assert_eq!(
            api(&elsewhere)
                .user(&UserId::new("user_ada"))
                .await
                .expect("there is one"),
            Some(ada.clone().into())
        );
    }
}

/// The operator needs the cause, because reqwest's own message omits that of the operating system.
#[tokio::test]
async fn failed_request_names_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    drop(listener);
    let api = BackendApi::with_base_url(&format!("http://{address}"), "sk_test_x").expect("loopback");
    let error = api
        .user(&UserId::new("user_ada"))
        .await
        .expect_err("the port is closed");
    assert!(error.to_string().contains("os error"), "{error}");
}

#[tokio::test]
async fn webhook_of_the_stand_in_does_not_follow_a_redirect() {
    for status in [StatusCode::FOUND, StatusCode::TEMPORARY_REDIRECT] {
        let elsewhere = Server::start(StatusCode::NO_CONTENT, String::new(), String::new()).await;
        let moved = Server::start(status, elsewhere.origin.clone(), String::new()).await;
        let stand_in = StandIn::new(&moved.origin, &[]).expect("loopback");
        let request = Request::post("/users/user_ada").header(HOST, "localhost");
        let request = request.body(Body::empty()).expect("a request");
        let response = stand_in.router().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), StatusCode::OK);
        moved.arrival().await;
        // The next attempt follows the end of the first, including its redirects.
        moved.arrival().await;
        assert_eq!(elsewhere.requests(), 0, "{status}");
    }
}

/// Addresses at which an attacker could answer.
const UNSAFE: [&str; 22] = [
    "http://clerk.example.com",
    "HTTP://clerk.example.com",
    "hTTp://CLERK.example.com",
    "http://127.0.0.1.evil.com",
    "http://localhost.evil.com",
    "http://127.0.0.1@evil.com",
    "http://localhost:80@evil.com",
    "http://evil.com@127.0.0.1",
    "https://user:secret@clerk.example.com",
    "http://evil.com#@127.0.0.1",
    r"http://evil.com\@127.0.0.1",
    "http://127.0.0.1\t.evil.com",
    "http://127.0.0.1%2eevil.com",
    "http://0.0.0.0:3000",
    "http://[::]:3000",
    "http://[::ffff:127.0.0.1]",
    "http://2130706433",
    "http://0x7f000001",
    "http://127.1",
    "http://localhost.",
    "ftp://127.0.0.1",
    "clerk.example.com",
];

const SAFE: [&str; 7] = [
    "https://clerk.example.com",
    "https://clerk.example.com:8443",
    "http://127.0.0.1:3000",
    "http://127.0.0.2",
    "http://localhost",
    "http://LOCALHOST:3000",
    "http://[::1]:3000",
];

/// Configures the address in each place that takes one. Returns for each whether the address was refused as unsafe.
fn refusals(address: &str, pem: &str) -> [bool; 4] {
    let insecure = |found: Result<Clerk, ConfigurationError>| match found {
        Ok(_) => false,
        Err(error @ ConfigurationError::InsecureUrl(_)) => {
            assert!(!error.to_string().contains("secret"), "{error}");
            true
        }
        Err(error) => panic!("{address}: {error}"),
    };
    let api = match BackendApi::with_base_url(address, "sk_test_x") {
        Ok(_) => false,
        Err(error @ BackendApiError::Url(_)) => {
            assert!(!error.to_string().contains("secret"), "{error}");
            true
        }
        Err(error) => panic!("{address}: {error}"),
    };
    let keys = Clerk::builder()
        .issuer("https://clerk.example.com")
        .jwks_url(address);
    [
        insecure(Clerk::builder().issuer(address).build()),
        // No keys are fetched from the issuer with a PEM key, but tokens name it.
        insecure(Clerk::builder().issuer(address).jwt_key(pem).build()),
        insecure(keys.build()),
        api,
    ]
}

#[test]
fn plain_http_is_refused_except_for_loopback() {
    let pem = Issuer::new("https://clerk.example.com").public_key_pem();
    for address in UNSAFE {
        assert_eq!(refusals(address, &pem), [true; 4], "{address}");
    }
    for address in SAFE {
        assert_eq!(refusals(address, &pem), [false; 4], "{address}");
    }
    // The path of the keys would be appended to the query.
    let clerk = Clerk::builder()
        .issuer("https://clerk.example.com?x=y")
        .jwt_key(pem)
        .build();
    assert!(
        matches!(clerk, Err(ConfigurationError::InsecureUrl(_))),
        "{clerk:?}"
    );
}

#[test]
fn stand_in_is_made_for_loopback_only() {
    let stand_in = |origin: &str| StandIn::new(origin, &[]);
    for origin in UNSAFE
        .into_iter()
        .chain(["https://127.0.0.1", "https://clerk.example.com"])
    {
        let found = stand_in(origin);
        assert!(
            matches!(found, Err(StandInError::NotLoopback(_))),
            "{origin}: {found:?}"
        );
    }
    for origin in SAFE
        .into_iter()
        .filter(|origin| origin.starts_with("http://") && !origin.contains("LOCAL"))
    {
        stand_in(origin).expect(origin);
    }
}

#[test]
fn issuer_that_no_token_names_is_refused_with_the_form_to_write() {
    let pem = Issuer::new("https://clerk.example.com").public_key_pem();
    for (issuer, form) in [
        ("https://Clerk.example.com", "write `https://clerk.example.com`"),
        (
            "https://clerk.example.com:443",
            "write `https://clerk.example.com`",
        ),
        (
            "https://app.example.com/__clerk/*",
            "write an address like `https://clerk.example.com`",
        ),
        (
            "https://fox.accounts.dev",
            "write `https://fox.clerk.accounts.dev`",
        ),
        (
            "https://api.clerk.com",
            "write an address like `https://clerk.example.com`",
        ),
    ] {
        let built = Clerk::builder().issuer(issuer).jwt_key(&pem).build();
        let error = built.expect_err(issuer);
        assert!(
            matches!(error, ConfigurationError::Issuer(_)),
            "{issuer}: {error}"
        );
        assert!(error.to_string().contains(form), "{issuer}: {error}");
    }
}
