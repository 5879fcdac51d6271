//! Tests of requests that another site's page may have made: a session cookie alone does not sign them in.

#![cfg(feature = "testing")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONNECTION, COOKIE, ORIGIN, SEC_WEBSOCKET_KEY, UPGRADE};
use axum::http::{HeaderName, HeaderValue, Method, Request};
use axum::middleware::map_request;
use axum::routing::any;
use clerk_auth::clerk::{AuthenticationError, ClerkBuilder};
use clerk_auth::extract::{Authenticated, Rejection};
use clerk_auth::middleware::RequireSession;
use clerk_auth::testing::{Issuer, MovableClock};
use clerk_auth::time::Timestamp;
use clerk_auth::{Clerk, Session};
use serde_json::Value;
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

const PARTY: &str = "https://app.example.com";

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The answer of every route to a signed-in user.
const IN: &str = "user_ada";

const FORBIDDEN: &str = "cross_site_request";

type Headers<'a> = &'a [(HeaderName, &'a [u8])];

fn request(method: &Method, path: &str, headers: Headers<'_>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = path.parse().expect("a path");
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).expect("a header value");
        request.headers_mut().append(name, value);
    }
    request
}

/// An application with every way to take a session from a request.
struct App {
    issuer: Issuer,
    clerk: Clerk,
    router: Router,
}

const PATHS: [&str; 5] = ["/session", "/guarded", "/optional", "/layer", "/layer/session"];

impl App {
    fn new(configure: impl FnOnce(ClerkBuilder) -> ClerkBuilder) -> Self {
        let issuer = Issuer::new("https://clerk.example.com");
        let builder = Clerk::builder()
            .issuer(issuer.url())
            .jwt_key(issuer.public_key_pem())
            .clock(MovableClock::new(NOW));
        let clerk = configure(builder).build().expect("the configuration is right");
        let whoami = async |session: Session| session.user_id().to_string();
        let optional = async |Authenticated { subject, .. }: Authenticated<Option<Session>>| match subject {
            Some(session) => session.user_id().to_string(),
            None => "visitor".to_owned(),
        };
        let layered = Router::new()
            .route("/layer", any(async || IN))
            .route("/layer/session", any(whoami))
            .layer(RequireSession::new(clerk.clone()));
        let router = Router::new()
            .route("/session", any(whoami))
            .route(
                "/guarded",
                any(async |Authenticated { subject, .. }: Authenticated<Session>| {
                    subject.user_id().to_string()
                }),
            )
            .route("/optional", any(optional))
            .merge(layered)
            .with_state(clerk.clone());
        Self {
            issuer,
            clerk,
            router,
        }
    }

    fn with_party() -> Self {
        Self::new(|builder| builder.authorized_parties([PARTY, "http://localhost:3000"]))
    }

    fn token(&self) -> String {
        self.issuer
            .token("user_ada")
            .issued_at(NOW)
            .authorized_party(PARTY)
            .sign()
    }

    fn cookie(&self) -> String {
        format!("__session={}; __client_uat=1", self.token())
    }

    /// Returns the code of a refusal, or the answer of the handler.
    async fn answer(&self, method: &Method, path: &str, headers: Headers<'_>) -> String {
        let response = self
            .router
            .clone()
            .oneshot(request(method, path, headers))
            .await
            .expect("infallible");
        let status = response.status().as_u16();
        let is_forbidden = response.extensions().get() == Some(&Rejection::CrossSiteRequest);
        let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
        let body = String::from_utf8(body.to_vec()).expect("a text");
        assert_eq!(status == 403, is_forbidden, "{body}");
        let problem: Value = serde_json::from_str(&body).unwrap_or_default();
        problem["code"].as_str().map_or(body, str::to_owned)
    }

    /// Checks that every way gives the same answer to a request with the session cookie.
    async fn assert_cookie(&self, method: &Method, headers: Headers<'_>, expected: &str) {
        let cookie = self.cookie();
        let headers = [headers, &[(COOKIE, cookie.as_bytes())]].concat();
        for path in PATHS {
            let found = self.answer(method, path, &headers).await;
            // The response to HEAD has no body.
            let found = if *method == Method::HEAD && found.is_empty() {
                IN
            } else {
                &found
            };
            assert_eq!(found, expected, "{method} {path} {headers:?}");
        }
        let (parts, _) = request(method, "/", &headers).into_parts();
        let found = match self.clerk.authenticate_request(&parts).await {
            Ok(_) => IN,
            Err(AuthenticationError::CrossSiteRequest) => FORBIDDEN,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found, expected, "{method} {headers:?}");
        // The headers alone do not reveal the effect of a request.
        assert!(self.clerk.authenticate(&parts.headers).await.is_ok());
    }
}

fn method(name: &str) -> Method {
    name.parse().expect("a method")
}

#[tokio::test]
async fn cookie_is_accepted_by_where_the_request_comes_from() {
    let app = App::with_party();
    for (headers, expected) in [
        // The client is not a browser.
        (&[][..], IN),
        // The origin decides, for any relation that the browser states.
        (&[(ORIGIN, PARTY.as_bytes())], IN),
        (&[(ORIGIN, b"http://localhost:3000")], IN),
        (&[(ORIGIN, PARTY.as_bytes()), (SITE, b"cross-site")], IN),
        (&[(ORIGIN, PARTY.as_bytes()), (SITE, b"same-site")], IN),
        // A page of the application itself, under a name that is not a party.
        (&[(SITE, b"same-origin")], IN),
        (
            &[(ORIGIN, b"https://www.example.com"), (SITE, b"same-origin")],
            IN,
        ),
        (&[(ORIGIN, b"null"), (SITE, b"same-origin")], IN),
        // All other requests.
        (&[(ORIGIN, b"https://evil.example")], FORBIDDEN),
        (&[(ORIGIN, b"null")], FORBIDDEN),
        (&[(ORIGIN, b"")], FORBIDDEN),
        (&[(ORIGIN, b"\xff")], FORBIDDEN),
        (&[(ORIGIN, b"https://app.example.com\xff")], FORBIDDEN),
        (&[(ORIGIN, b"https://APP.example.com")], FORBIDDEN),
        (&[(ORIGIN, b"https://app.example.com:443")], FORBIDDEN),
        (&[(ORIGIN, b"https://app.example.com:8443")], FORBIDDEN),
        (&[(ORIGIN, b"https://app.example.com/")], FORBIDDEN),
        (&[(ORIGIN, b"https://app.example.com.")], FORBIDDEN),
        (&[(ORIGIN, b"https://app.example.com.evil.example")], FORBIDDEN),
        (
            &[(ORIGIN, b"https://evil.example#https://app.example.com")],
            FORBIDDEN,
        ),
        (&[(ORIGIN, b"http://app.example.com")], FORBIDDEN),
        (&[(ORIGIN, b"http://localhost")], FORBIDDEN),
        (&[(ORIGIN, b"app.example.com")], FORBIDDEN),
        (
            &[(ORIGIN, b"https://app.example.com https://evil.example")],
            FORBIDDEN,
        ),
        (
            &[(ORIGIN, b"https://app.example.com, https://evil.example")],
            FORBIDDEN,
        ),
        (
            &[(ORIGIN, PARTY.as_bytes()), (ORIGIN, b"https://evil.example")],
            FORBIDDEN,
        ),
        (
            &[(ORIGIN, b"https://evil.example"), (ORIGIN, PARTY.as_bytes())],
            FORBIDDEN,
        ),
        (
            &[
                (ORIGIN, PARTY.as_bytes()),
                (ORIGIN, PARTY.as_bytes()),
                (SITE, b"same-origin"),
            ],
            FORBIDDEN,
        ),
        (&[(SITE, b"cross-site")], FORBIDDEN),
        (&[(SITE, b"same-site")], FORBIDDEN),
        // A form that the user sends again from the address bar, or a bookmarklet.
        (&[(SITE, b"none")], FORBIDDEN),
        (&[(SITE, b"")], FORBIDDEN),
        (&[(SITE, b"Same-Origin")], FORBIDDEN),
        (&[(SITE, b"same-origin, cross-site")], FORBIDDEN),
        (&[(SITE, b"\"same-origin\"")], FORBIDDEN),
        (&[(SITE, b"same-origin\xff")], FORBIDDEN),
        (&[(SITE, b"same-origin"), (SITE, b"cross-site")], FORBIDDEN),
        (&[(SITE, b"cross-site"), (SITE, b"same-origin")], FORBIDDEN),
        (
            &[(ORIGIN, b"https://evil.example"), (SITE, b"cross-site")],
            FORBIDDEN,
        ),
    ] {
        app.assert_cookie(&Method::POST, headers, expected).await;
        // Headers whose values a page can choose have no effect.
        let further = [headers, &[(HeaderName::from_static("referer"), PARTY.as_bytes())]].concat();
        app.assert_cookie(&Method::POST, &further, expected).await;
    }
}

#[tokio::test]
async fn without_parties_only_the_same_origin_is_accepted() {
    let app = App::new(|builder| builder);
    for (headers, expected) in [
        (&[][..], IN),
        (&[(SITE, b"same-origin" as &[u8])], IN),
        (&[(ORIGIN, PARTY.as_bytes()), (SITE, b"same-origin")], IN),
        (&[(ORIGIN, PARTY.as_bytes())], FORBIDDEN),
        (&[(ORIGIN, b"https://clerk.example.com")], FORBIDDEN),
        (&[(ORIGIN, b"")], FORBIDDEN),
        (&[(SITE, b"same-site")], FORBIDDEN),
        (&[(SITE, b"none")], FORBIDDEN),
    ] {
        app.assert_cookie(&Method::DELETE, headers, expected).await;
    }
}

#[tokio::test]
async fn only_get_head_and_options_are_safe() {
    let app = App::with_party();
    let evil: Headers<'_> = &[(ORIGIN, b"https://evil.example"), (SITE, b"cross-site")];
    for name in ["GET", "HEAD", "OPTIONS"] {
        app.assert_cookie(&method(name), evil, IN).await;
    }
    // RFC 9110 calls TRACE safe. No browser sends it, and no application needs it.
    for name in [
        "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY", "PROPFIND", "get", "Get", "GETS",
        "BREW",
    ] {
        // axum has no routes for custom methods; the layer and the extractors treat all methods alike.
        app.assert_cookie(&method(name), evil, FORBIDDEN).await;
    }
}

#[tokio::test]
async fn websocket_upgrade_is_not_a_safe_get() {
    let app = App::with_party();
    let evil = (ORIGIN, b"https://evil.example" as &[u8]);
    for upgrade in [
        &[(UPGRADE, b"websocket" as &[u8])][..],
        &[(UPGRADE, b"WebSocket"), (CONNECTION, b"Upgrade")],
        &[(UPGRADE, b"h2c, websocket")],
        &[(UPGRADE, b"h2c"), (UPGRADE, b"websocket")],
        &[(UPGRADE, b" websocket/13 ,h2c")],
        &[(UPGRADE, b"\xff,websocket")],
        // A proxy has removed the hop-by-hop header.
        &[(SEC_WEBSOCKET_KEY, b"dGhlIHNhbXBsZSBub25jZQ==")],
    ] {
        for (origin, expected) in [
            (&[][..], IN),
            (&[(ORIGIN, PARTY.as_bytes())], IN),
            (std::slice::from_ref(&evil), FORBIDDEN),
            (&[(ORIGIN, b"null")], FORBIDDEN),
            (&[evil.clone(), (SITE, b"cross-site")], FORBIDDEN),
        ] {
            app.assert_cookie(&Method::GET, &[upgrade, origin].concat(), expected)
                .await;
        }
    }
    // An upgrade to another protocol, which no page can request.
    let other: Headers<'_> = &[evil, (UPGRADE, b"h2c, websockets")];
    app.assert_cookie(&Method::GET, other, IN).await;
}

#[tokio::test]
async fn bearer_token_is_accepted_from_every_site() {
    let app = App::with_party();
    let bearer = format!("Bearer {}", app.token());
    let cookie = app.cookie();
    let evil = [(ORIGIN, b"https://evil.example" as &[u8]), (SITE, b"cross-site")];
    for path in PATHS {
        for further in [&[][..], &[(COOKIE, cookie.as_bytes())]] {
            let headers = [&evil[..], &[(AUTHORIZATION, bearer.as_bytes())], further].concat();
            assert_eq!(app.answer(&Method::POST, path, &headers).await, IN, "{path}");
        }
        // Credentials of another scheme do not admit the request, because browsers can add them.
        let headers = [
            &evil[..],
            &[
                (AUTHORIZATION, b"Basic dXNlcjpwYXNz"),
                (COOKIE, cookie.as_bytes()),
            ],
        ]
        .concat();
        assert_eq!(
            app.answer(&Method::POST, path, &headers).await,
            FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn visitor_stays_a_visitor_and_a_bad_cookie_reveals_nothing_to_another_site() {
    let app = App::with_party();
    let evil = (ORIGIN, b"https://evil.example" as &[u8]);
    for (cookie, optional, required) in [
        ("", "visitor", "signed_out"),
        ("theme=dark", "visitor", "signed_out"),
        ("__session=a.b.c; __client_uat=0", "visitor", "signed_out"),
        ("__session=a.b.c; __client_uat=1", FORBIDDEN, FORBIDDEN),
    ] {
        let headers = [evil.clone(), (COOKIE, cookie.as_bytes())];
        assert_eq!(
            app.answer(&Method::POST, "/optional", &headers).await,
            optional,
            "{cookie}"
        );
        for path in ["/session", "/guarded", "/layer", "/layer/session"] {
            assert_eq!(
                app.answer(&Method::POST, path, &headers).await,
                required,
                "{path} {cookie}"
            );
        }
    }
}

/// A layer between the guard and the handler turns a GET into a DELETE, as `?_method=DELETE` does in other frameworks.
#[tokio::test]
async fn method_override_after_the_layer_is_checked_again() {
    let app = App::with_party();
    let to_delete = map_request(async |mut request: Request<Body>| {
        *request.method_mut() = Method::DELETE;
        request
    });
    let router = Router::new()
        .route("/", any(async |session: Session| session.user_id().to_string()))
        .layer(to_delete)
        .layer(RequireSession::new(app.clerk.clone()))
        .with_state(app.clerk.clone());
    let cookie = app.cookie();
    for (origin, expected) in [(PARTY, 200), ("https://evil.example", 403)] {
        let headers = [(ORIGIN, origin.as_bytes()), (COOKIE, cookie.as_bytes())];
        let request = request(&Method::GET, "/", &headers);
        let response = router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status().as_u16(), expected, "{origin}");
    }
}

#[tokio::test]
async fn check_can_be_turned_off_by_a_name_that_warns() {
    let app = App::new(|builder| {
        builder
            .authorized_parties([PARTY])
            .insecure_accept_cross_site_requests()
    });
    let evil: Headers<'_> = &[(ORIGIN, b"https://evil.example"), (SITE, b"cross-site")];
    app.assert_cookie(&Method::POST, evil, IN).await;
    app.assert_cookie(&Method::GET, &[evil, &[(UPGRADE, b"websocket")]].concat(), IN)
        .await;
}
