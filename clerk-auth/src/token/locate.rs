//! Locates a request's session token: the `Authorization` header, otherwise a cookie.

use axum::http::{HeaderMap, header};
use memchr::memchr;

use super::cookies::{CookieNames, Cookies};
use super::credential::Credential;
use super::refusal::Refusal;

/// Finds the token. A `Bearer` header is decisive, valid or not: there is no fallback to a cookie, which another person
/// may have set. A header with another scheme is unrelated to Clerk, so the cookies are used.
pub(crate) fn credential<'a>(
    headers: &'a HeaderMap,
    names: &CookieNames,
    issuer: &str,
) -> Result<Option<Credential<'a>>, Refusal> {
    let cookie = || Cookies::read(headers, names).credential(issuer);
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(cookie());
    };
    if values.next().is_some() {
        // RFC 9110 section 5.3: a field that is not a list must not be repeated. With several values, it is unknown
        // which one a proxy checked.
        return Err(Refusal::CredentialMalformed);
    }
    let value = value.as_bytes();
    let Some(space) = memchr(b' ', value) else {
        // A scheme without credentials, or a bare token, which is not part of RFC 6750 section 2.1.
        return Err(Refusal::CredentialMalformed);
    };
    let (scheme, token) = (&value[..space], &value[space + 1..]);
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Ok(cookie());
    }
    if token.is_empty() {
        return Err(Refusal::CredentialMalformed);
    }
    Ok(Some(Credential {
        token,
        client_updated_at: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_header_takes_precedence_over_cookies() {
        let malformed = Err(Refusal::CredentialMalformed);
        for (authorization, cookies, expected) in [
            (&[][..], "", Ok(None)),
            (&["Bearer abc"], "", Ok(Some("abc"))),
            (&["bearer abc"], "", Ok(Some("abc"))),
            (&["Bearer abc"], "__session=def; __client_uat=7", Ok(Some("abc"))),
            (&["Bearer abc"], "__session=def; __client_uat=0", Ok(Some("abc"))),
            (&["Bearer "], "__session=def; __client_uat=7", malformed),
            (&["Bearer"], "__session=def; __client_uat=7", malformed),
            (&["abc"], "__session=def; __client_uat=7", malformed),
            (&["Bearer abc def"], "", malformed),
            (&["Bearer  abc"], "", malformed),
            (&["Bearer abc", "Bearer def"], "", malformed),
            (&["Basic abc", "Bearer def"], "", malformed),
            (&["Basic abc"], "__session=def; __client_uat=7", Ok(Some("def"))),
            (&["Basic abc"], "", Ok(None)),
        ] {
            let mut headers = HeaderMap::new();
            for value in authorization {
                headers.append(header::AUTHORIZATION, value.parse().expect("a header value"));
            }
            if !cookies.is_empty() {
                headers.insert(header::COOKIE, cookies.parse().expect("a header value"));
            }
            let found = credential(&headers, &CookieNames::default(), "https://clerk.example.com");
            let found = found.and_then(|credential| match credential {
                Some(credential) if credential.is_malformed() => malformed,
                found => Ok(found.map(|credential| str::from_utf8(credential.token).expect("a text"))),
            });
            assert_eq!(found, expected, "{authorization:?} {cookies}");
        }
    }

    #[test]
    fn bytes_beyond_ascii_are_refused_and_never_panic() {
        let mut headers = HeaderMap::new();
        let value = axum::http::HeaderValue::from_bytes(b"Bearer \xff").expect("opaque bytes are allowed");
        headers.insert(header::AUTHORIZATION, value);
        let found = credential(&headers, &CookieNames::default(), "");
        let credential = found.expect("it is one").expect("it is there");
        assert!(credential.is_malformed());
    }
}
