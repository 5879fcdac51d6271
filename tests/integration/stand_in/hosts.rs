//! Tests that the stand-in answers only this machine: no page of another site can use it, for any address of the site's
//! name.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use clerk_auth::dev::StandIn;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// Every route, a path without a route, and a method that a route does not have.
const ROUTES: [(Method, &str, StatusCode); 35] = [
    (Method::POST, "/dev/token", StatusCode::OK),
    (Method::POST, "/dev/users/user_ada", StatusCode::OK),
    (Method::DELETE, "/dev/users/user_eve", StatusCode::OK),
    (Method::DELETE, "/dev/sessions/sess_ada", StatusCode::OK),
    (Method::GET, "/dev/sessions", StatusCode::OK),
    (Method::POST, "/dev/tickets", StatusCode::OK),
    (Method::POST, "/dev/organizations/org_acme", StatusCode::OK),
    (
        Method::POST,
        "/dev/organizations/org_acme/members/user_ada",
        StatusCode::OK,
    ),
    (
        Method::DELETE,
        "/dev/organizations/org_acme/members/user_ada",
        StatusCode::OK,
    ),
    (Method::DELETE, "/dev/organizations/org_acme", StatusCode::OK),
    (Method::GET, "/dev/settings", StatusCode::OK),
    (Method::POST, "/dev/settings", StatusCode::OK),
    (Method::GET, "/dev/directory", StatusCode::OK),
    (
        Method::GET,
        "/dev/npm/@clerk/clerk-js/dist/clerk.js",
        StatusCode::NOT_FOUND,
    ),
    (
        Method::GET,
        "/dev/clerk/npm/@clerk/clerk-js/dist/clerk.js",
        StatusCode::NOT_FOUND,
    ),
    (Method::GET, "/dev/clerk/v1/environment", StatusCode::OK),
    (Method::GET, "/dev/clerk/v1/client", StatusCode::OK),
    (
        Method::POST,
        "/dev/clerk/v1/client/sign_ins",
        StatusCode::UNPROCESSABLE_ENTITY,
    ),
    (
        Method::POST,
        "/dev/clerk/v1/client/sign_ups",
        StatusCode::UNPROCESSABLE_ENTITY,
    ),
    (
        Method::POST,
        "/dev/clerk/v1/client/sessions?_method=DELETE",
        StatusCode::OK,
    ),
    (
        Method::POST,
        "/dev/clerk/v1/client/sessions/sess_x/tokens",
        StatusCode::UNAUTHORIZED,
    ),
    (Method::GET, "/dev/clerk/v1/me", StatusCode::UNAUTHORIZED),
    (
        Method::POST,
        "/dev/clerk/v1/organizations",
        StatusCode::UNAUTHORIZED,
    ),
    (Method::GET, "/dev/clerk/v1/unknown", StatusCode::NOT_FOUND),
    (Method::GET, "/dev/clerk", StatusCode::NOT_FOUND),
    (Method::OPTIONS, "/dev/clerk/v1/client", StatusCode::NO_CONTENT),
    (Method::GET, "/dev/.well-known/jwks.json", StatusCode::OK),
    (Method::GET, "/dev/v1/jwks", StatusCode::OK),
    (Method::GET, "/dev/v1/users", StatusCode::OK),
    (Method::GET, "/dev/v1/users/count", StatusCode::OK),
    (Method::GET, "/dev/v1/users/user_ada", StatusCode::OK),
    (Method::GET, "/dev/unknown", StatusCode::NOT_FOUND),
    (Method::POST, "/dev/v1/unknown/path", StatusCode::NOT_FOUND),
    (Method::GET, "/dev/token", StatusCode::METHOD_NOT_ALLOWED),
    (
        Method::OPTIONS,
        "/dev/users/user_ada",
        StatusCode::METHOD_NOT_ALLOWED,
    ),
];

const PUT_DIRECTORY: (Method, &str) = (Method::PUT, "/dev/directory");

/// Returns a request of every route.
fn requests() -> impl Iterator<Item = (Method, &'static str)> {
    let routes = ROUTES.iter().map(|(method, path, _)| (method.clone(), *path));
    routes.chain([PUT_DIRECTORY])
}

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

type Headers<'a> = &'a [(HeaderName, &'a [u8])];

fn app(origin: &str) -> Router {
    let stand_in = StandIn::new(origin, &[]).expect("loopback");
    Router::new()
        .nest("/dev", stand_in.router())
        .fallback(async || "the application's own")
}

async fn answer(app: &Router, method: &Method, target: &str, headers: Headers<'_>) -> (StatusCode, String) {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = target.parse().expect("a URI");
    let secret_key = (AUTHORIZATION, b"Bearer sk_test_x" as &[u8]);
    for (name, value) in headers.iter().chain([&secret_key]) {
        let value = HeaderValue::from_bytes(value).expect("a header value");
        request.headers_mut().append(name, value);
    }
    let response = app.clone().oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = to_bytes(response.into_body(), 1_000_000).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("a text"))
}

/// Creates an application whose stand-in has one user.
async fn app_with_ada() -> Router {
    let app = app("http://127.0.0.1:3000");
    let (status, _) = answer(&app, &Method::POST, "/dev/token", &[(HOST, b"localhost")]).await;
    assert_eq!(status, StatusCode::OK);
    app
}

async fn users(app: &Router) -> Value {
    let (_, users) = answer(app, &Method::GET, "/dev/v1/users", &[(HOST, b"localhost")]).await;
    serde_json::from_str(&users).expect("JSON")
}

#[tokio::test]
async fn loopback_host_is_answered_on_every_route() {
    for host in [
        "127.0.0.1:3000",
        "127.0.0.1",
        "127.0.0.2:8080",
        "localhost",
        "localhost:5173",
        "LOCALHOST:3000",
        "[::1]",
        "[::1]:3000",
    ] {
        let app = app_with_ada().await;
        for (method, path, expected) in &ROUTES {
            let (status, body) = answer(&app, method, path, &[(HOST, host.as_bytes())]).await;
            assert_eq!(status, *expected, "{method} {path} {host}: {body}");
        }
        // The last request removes every user.
        let (status, body) = answer(
            &app,
            &PUT_DIRECTORY.0,
            PUT_DIRECTORY.1,
            &[(HOST, host.as_bytes())],
        )
        .await;
        assert_eq!(status, StatusCode::OK, "{host}: {body}");
    }
}

#[tokio::test]
async fn foreign_host_is_refused_on_every_route() {
    let app = app_with_ada().await;
    let before = users(&app).await;
    let local = (HOST, b"127.0.0.1:3000" as &[u8]);
    let foreign: &[Headers<'_>] = &[
        &[],
        &[(HOST, b"")],
        &[(HOST, b"app.example.com")],
        &[(HOST, b"app.example.com:3000")],
        &[(HOST, b"localhost.evil.com")],
        &[(HOST, b"127.0.0.1.evil.com")],
        &[(HOST, b"127.0.0.1.nip.io:3000")],
        &[(HOST, b"localhost.")],
        &[(HOST, b"127.0.0.1.")],
        &[(HOST, b"evil.localhost")],
        &[(HOST, b"localhost@evil.com")],
        &[(HOST, b"evil.com@localhost")],
        &[(HOST, b"localhost:80@evil.com")],
        &[(HOST, b"localhost/evil.com")],
        &[(HOST, b"localhost evil.com")],
        &[(HOST, b"localhost,evil.com")],
        &[(HOST, b"localhost:port")],
        &[(HOST, b"localhost:")],
        &[(HOST, b"localhost\xff")],
        &[(HOST, b"0.0.0.0:3000")],
        &[(HOST, b"[::]:3000")],
        &[(HOST, b"[::ffff:127.0.0.1]:3000")],
        &[(HOST, b"[::1].evil.com")],
        &[(HOST, b"::1")],
        &[(HOST, b"192.168.0.7:3000")],
        &[(HOST, b"2130706433")],
        &[(HOST, b"0x7f000001")],
        &[(HOST, b"127.1")],
        &[local.clone(), (HOST, b"evil.com")],
        &[(HOST, b"evil.com"), local.clone()],
        &[local.clone(), local.clone()],
        // The request of a tunnel that makes the application public, and rewrites the host.
        &[local.clone(), (FORWARDED_HOST, b"something.tunnel.example")],
        &[
            local.clone(),
            (FORWARDED_HOST, b"localhost, something.tunnel.example"),
        ],
        &[
            local.clone(),
            (FORWARDED_HOST, b"localhost"),
            (FORWARDED_HOST, b"evil.com"),
        ],
        &[local.clone(), (FORWARDED_HOST, b"\xff")],
    ];
    for headers in foreign {
        for (method, path) in requests() {
            let (status, body) = answer(&app, &method, path, headers).await;
            assert_eq!(
                status,
                StatusCode::MISDIRECTED_REQUEST,
                "{method} {path} {headers:?}"
            );
            assert!(body.contains("loopback address"), "{body}");
        }
    }
    assert_eq!(users(&app).await, before);
    // The application's own routes answer every host.
    let (status, body) = answer(&app, &Method::GET, "/", &[(HOST, b"app.example.com")]).await;
    assert_eq!((status, &*body), (StatusCode::OK, "the application's own"));
}

/// Tests the absolute form of HTTP/1 and `:authority` of HTTP/2: hyper puts both into the URI.
#[tokio::test]
async fn authority_of_the_target_counts_as_well() {
    let app = app_with_ada().await;
    for (authority, host, expected) in [
        ("127.0.0.1:3000", None, StatusCode::OK),
        ("localhost", Some("127.0.0.1:3000"), StatusCode::OK),
        ("[::1]:3000", None, StatusCode::OK),
        ("evil.com", None, StatusCode::MISDIRECTED_REQUEST),
        ("evil.com", Some("localhost"), StatusCode::MISDIRECTED_REQUEST),
        ("localhost", Some("evil.com"), StatusCode::MISDIRECTED_REQUEST),
        ("localhost@evil.com", None, StatusCode::MISDIRECTED_REQUEST),
        ("evil.com@localhost", None, StatusCode::MISDIRECTED_REQUEST),
        (
            "127.0.0.1.evil.com",
            Some("127.0.0.1"),
            StatusCode::MISDIRECTED_REQUEST,
        ),
    ] {
        for (method, path) in [
            (Method::GET, "/dev/.well-known/jwks.json"),
            (Method::POST, "/dev/token"),
        ] {
            let headers: Vec<_> = host.iter().map(|host| (HOST, host.as_bytes())).collect();
            let target = format!("http://{authority}{path}");
            let (status, _) = answer(&app, &method, &target, &headers).await;
            assert_eq!(status, expected, "{target} {host:?}");
        }
    }
}

#[tokio::test]
async fn page_of_another_machine_is_refused_on_every_route() {
    let app = app_with_ada().await;
    let before = users(&app).await;
    let local = (HOST, b"127.0.0.1:3000" as &[u8]);
    for origin in [
        "https://evil.com",
        "http://evil.com:3000",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com:3000",
        "http://localhost@evil.com",
        "http://192.168.0.7:3000",
        "null",
        "",
        "localhost",
        "file://",
        "chrome-extension://localhost",
        "http://localhost, http://evil.com",
        "http://localhost/",
    ] {
        for (method, path) in requests() {
            let headers = [local.clone(), (ORIGIN, origin.as_bytes())];
            let (status, body) = answer(&app, &method, path, &headers).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path} {origin}");
            assert!(body.contains("pages that are not of this machine"), "{body}");
            let headers = [&headers[..], &[(ORIGIN, b"http://localhost:3000")]].concat();
            let (status, _) = answer(&app, &method, path, &headers).await;
            assert_eq!(
                status,
                StatusCode::FORBIDDEN,
                "{method} {path} {origin} beside another"
            );
        }
    }
    assert_eq!(users(&app).await, before);
    for origin in [
        "http://127.0.0.1:3000",
        "http://localhost:5173",
        "https://localhost",
        "http://[::1]:3000",
    ] {
        let headers = [local.clone(), (ORIGIN, origin.as_bytes())];
        let (status, _) = answer(&app, &Method::POST, "/dev/token", &headers).await;
        assert_eq!(status, StatusCode::OK, "{origin}");
    }
}

/// Sends the bytes over a socket, so that the HTTP library parses them.
#[tokio::test]
async fn host_is_checked_as_it_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener has an address");
    let app = app(&format!("http://{address}"));
    tokio::spawn(async move { axum::serve(listener, app).await.expect("the server runs") });
    for (head, expected) in [
        (
            format!("POST /dev/token HTTP/1.1\r\nhost: {address}\r\n"),
            &["200"][..],
        ),
        (
            format!("POST http://{address}/dev/token HTTP/1.1\r\nhost: {address}\r\n"),
            &["200"],
        ),
        (
            "POST /dev/token HTTP/1.1\r\nhost: app.example.com\r\n".to_owned(),
            &["421"],
        ),
        (
            format!("POST /dev/token HTTP/1.1\r\nhost: {address}\r\nHost: evil.com\r\n"),
            &["421", "400"],
        ),
        (
            format!("POST /dev/token HTTP/1.1\r\nHost: evil.com\r\nhost: {address}\r\n"),
            &["421", "400"],
        ),
        (
            format!("POST http://evil.com/dev/token HTTP/1.1\r\nhost: {address}\r\n"),
            &["421"],
        ),
        (
            format!("POST http://{address}/dev/token HTTP/1.1\r\nhost: evil.com\r\n"),
            &["421"],
        ),
        ("POST /dev/token HTTP/1.1\r\n".to_owned(), &["421", "400"]),
        ("POST /dev/token HTTP/1.0\r\n".to_owned(), &["421", "400"]),
        (
            format!("POST /dev/token HTTP/1.1\r\nhost: {address}\r\norigin: https://evil.com\r\n"),
            &["403"],
        ),
    ] {
        let mut connection = TcpStream::connect(address).await.expect("it listens");
        let request = format!("{head}content-length: 0\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.expect("it reads");
        let mut response = String::new();
        connection
            .read_to_string(&mut response)
            .await
            .expect("it answers");
        let status = response.split(' ').nth(1).unwrap_or_default();
        assert!(expected.contains(&status), "{head}: {response}");
        assert_eq!(
            response.contains("token\":"),
            status == "200",
            "{head}: {response}"
        );
    }
}
