//! Tests of the places of a token in a request, over real HTTP.

use clerk_auth_tests::app::TestApp;
use clerk_auth_tests::database::TestDatabase;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use serde_json::json;

fn headers(authorization: Option<&str>, cookie: Option<&str>) -> HeaderMap {
    [(AUTHORIZATION, authorization), (COOKIE, cookie)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(value?).expect("a header value"))))
        .collect()
}

#[tokio::test]
async fn header_takes_precedence_and_a_cookie_is_the_alternative() {
    let app = TestApp::start(TestDatabase::sqlite()).await;
    let token = app.token(app.claims("user_ada"), json!({}));
    let bearer = format!("Bearer {token}");
    let cookie = format!("theme=dark; __session={token}; __client_uat=1; other=1");
    let without_time = format!("__session={token}");
    for (authorization, cookie, code) in [
        (None, None, "signed_out"),
        (Some(bearer.as_str()), None, ""),
        (None, Some(cookie.as_str()), ""),
        (Some("Bearer bad"), Some(cookie.as_str()), "token_malformed"),
        (Some("Basic dXNlcjpwYXNz"), Some(cookie.as_str()), ""),
        (Some("Basic dXNlcjpwYXNz"), None, "signed_out"),
        (Some(token.as_str()), None, "credential_malformed"),
        (None, Some("__session=; __client_uat=1"), "signed_out"),
        (None, Some("__session=bad; __client_uat=1"), "token_malformed"),
        // The cookie remained after a sign-out.
        (None, Some(&*without_time), "signed_out"),
    ] {
        let answer = app.get_with("/api/session", headers(authorization, cookie)).await;
        assert_eq!(answer.code(), code, "{authorization:?} {cookie:?}");
        let status = if code.is_empty() { 200 } else { 401 };
        assert_eq!(answer.status, status);
        if code == "signed_out" {
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}
