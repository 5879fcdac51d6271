//! Where a request carries its session token: the `Authorization` header, else the `__session` cookie.

use axum::http::{HeaderMap, header};

use super::refusal::Refusal;

/// The cookie in which Clerk's front end keeps the session token on the application's own domain.
const SESSION_COOKIE: &str = "__session";

/// Finds the token. A `Bearer` header settles it, valid or not: there is no falling back to a cookie that somebody else
/// may have set. Another scheme says nothing about Clerk, and the cookie is looked at.
pub(crate) fn credential(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(cookie(headers));
    };
    if values.next().is_some() {
        // RFC 9110 section 5.3: a field that is no list must not be repeated; which one a proxy saw is unknown.
        return Err(Refusal::CredentialMalformed);
    }
    let value = value.to_str().map_err(|_| Refusal::CredentialMalformed)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => {
            if token.is_empty() || token.contains(' ') {
                return Err(Refusal::CredentialMalformed);
            }
            Ok(Some(token))
        }
        Some(_) => Ok(cookie(headers)),
        // A scheme without credentials, or a bare token, which RFC 6750 section 2.1 does not know.
        None => Err(Refusal::CredentialMalformed),
    }
}

/// The first cookie of the name wins, as in Clerk's own SDK: a later one may have been tossed in by a sibling domain.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, token)| token)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_header_settles_it() {
        let malformed = Err(Refusal::CredentialMalformed);
        for (authorization, cookies, expected) in [
            (&[][..], "", Ok(None)),
            (&["Bearer abc"], "", Ok(Some("abc"))),
            (&["bearer abc"], "", Ok(Some("abc"))),
            (&["Bearer abc"], "__session=def", Ok(Some("abc"))),
            (&["Bearer "], "__session=def", malformed),
            (&["Bearer"], "__session=def", malformed),
            (&["abc"], "__session=def", malformed),
            (&["Bearer abc def"], "", malformed),
            (&["Bearer  abc"], "", malformed),
            (&["Bearer abc", "Bearer def"], "", malformed),
            (&["Basic abc", "Bearer def"], "", malformed),
            (&["Basic abc"], "__session=def", Ok(Some("def"))),
            (&["Basic abc"], "", Ok(None)),
            (&[], "a=b; __session=def; __session=ghi", Ok(Some("def"))),
            (&[], "__session=", Ok(None)),
            (&[], "__session_x=def", Ok(None)),
            (&[], "x__session=def; __Session=ghi", Ok(None)),
        ] {
            let mut headers = HeaderMap::new();
            for value in authorization {
                headers.append(header::AUTHORIZATION, value.parse().expect("a header value"));
            }
            if !cookies.is_empty() {
                headers.insert(header::COOKIE, cookies.parse().expect("a header value"));
            }
            assert_eq!(credential(&headers), expected, "{authorization:?} {cookies}");
        }
    }

    #[test]
    fn bytes_beyond_ascii_are_refused_and_never_panic() {
        let mut headers = HeaderMap::new();
        let value = axum::http::HeaderValue::from_bytes(b"Bearer \xff").expect("opaque bytes are allowed");
        headers.insert(header::AUTHORIZATION, value);
        assert_eq!(credential(&headers), Err(Refusal::CredentialMalformed));
    }
}
