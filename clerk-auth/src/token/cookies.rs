//! The cookies of Clerk's front end, and the choice among them.
//!
//! Two Clerk applications on one domain (as on `localhost`) share the plain names. So each application also has its own
//! names, with a suffix derived from its publishable key. The last writer determines which set has the current session.
//! The choice follows the rules of Clerk's backend SDK. The values that are read here are not verified: they only
//! select the token to verify.

use axum::http::{HeaderMap, header};

use super::base64url;
use super::credential::Credential;
use super::unverified::MAX_LENGTH;
use crate::claim::json::{Object, Value};

/// The session token.
const SESSION: &str = "__session";

/// The time at which the browser last signed in, in seconds; `0` after it signed out.
const CLIENT_UPDATED_AT: &str = "__client_uat";

/// The names of the cookies of one Clerk application.
#[derive(Debug, Default)]
pub(crate) struct CookieNames {
    /// The suffixed names; `None` without a publishable key.
    own: Option<[String; 2]>,
}

impl CookieNames {
    pub(crate) fn with_suffix(suffix: &str) -> Self {
        Self {
            own: Some([SESSION, CLIENT_UPDATED_AT].map(|name| format!("{name}_{suffix}"))),
        }
    }
}

/// A set of cookies.
#[derive(Clone, Copy, Debug, Default)]
struct Set<'a> {
    session: Option<&'a str>,
    client_updated_at: Option<&'a str>,
}

/// The cookies of a request.
#[derive(Debug, Default)]
pub(super) struct Cookies<'a> {
    plain: Set<'a>,
    /// `None` if the application has no suffixed names.
    own: Option<Set<'a>>,
}

impl<'a> Cookies<'a> {
    /// Reads the cookies. The first cookie of a name wins, as in Clerk's own SDK: a later one may have been set by a
    /// sibling domain.
    pub(super) fn read(headers: &'a HeaderMap, names: &CookieNames) -> Self {
        let pairs = || {
            headers
                .get_all(header::COOKIE)
                .iter()
                .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
                // Cookies of other programs may contain any bytes, and must not hide Clerk's.
                .filter_map(|pair| str::from_utf8(pair.trim_ascii()).ok()?.split_once('='))
        };
        let first = |wanted: &str| {
            let found = pairs().find(|(name, _)| *name == wanted)?.1;
            (!found.is_empty()).then_some(found)
        };
        let set = |session: &str, client_updated_at: &str| Set {
            session: first(session),
            client_updated_at: first(client_updated_at),
        };
        Self {
            plain: set(SESSION, CLIENT_UPDATED_AT),
            own: names
                .own
                .as_ref()
                .map(|[session, client_updated_at]| set(session, client_updated_at)),
        }
    }

    /// Returns the session token to verify. Returns `None` if the browser is signed out, even if a leftover token
    /// remains.
    pub(super) fn credential(&self, issuer: &str) -> Option<Credential<'a>> {
        let chosen = self.chosen(issuer);
        let token = chosen.session?;
        // Zero, a malformed number and a missing cookie count as signed out, as in Clerk's SDK if it cannot answer with
        // a handshake (`session-token-but-no-client-uat`). The token may be a leftover of a user who has signed out.
        let seconds = chosen.client_updated_at?.parse().ok();
        Some(Credential {
            token: token.as_bytes(),
            client_updated_at: Some(seconds.filter(|seconds: &i64| *seconds > 0)?),
        })
    }

    fn chosen(&self, issuer: &str) -> Set<'a> {
        match self.own {
            Some(own) if self.prefers_own(own, issuer) => own,
            _ => self.plain,
        }
    }

    /// Implements `usesSuffixedCookies` of Clerk's SDK: the first rule that applies decides. The rule for an expired
    /// session of a development instance is omitted, because it chooses between two sets that are both refused.
    fn prefers_own(&self, own: Set<'_>, issuer: &str) -> bool {
        let plain = self.plain;
        let plain_claims = plain.session.map(|token| Unverified::read(token, issuer));
        match &plain_claims {
            // Not a token at all, so the request must be refused because of the malformed cookie.
            Some(None) => return false,
            Some(Some(claims)) => match claims.is_of_issuer {
                None => return false,
                Some(false) => return true,
                Some(true) => {}
            },
            None => {}
        }
        if own.session.is_none() && own.client_updated_at.is_none() {
            return false;
        }
        let signed_out = |set: Set<'_>| set.client_updated_at == Some("0");
        if !signed_out(own) && !signed_out(plain) {
            let plain_minted = plain_claims.flatten().and_then(|claims| claims.issued_at);
            let own_claims = own.session.and_then(|token| Unverified::read(token, issuer));
            let own_minted = own_claims.and_then(|claims| claims.issued_at);
            if plain_minted
                .zip(own_minted)
                .is_some_and(|(plain, own)| plain > own)
            {
                return false;
            }
        }
        if signed_out(own) && !signed_out(plain) {
            return false;
        }
        own.session.is_none() || own.client_updated_at.is_some()
    }
}

/// The claims of a token whose signature is not verified.
#[derive(Clone, Copy)]
struct Unverified {
    /// `None` if the token names no issuer.
    is_of_issuer: Option<bool>,
    issued_at: Option<i64>,
}

impl Unverified {
    fn read(token: &str, issuer: &str) -> Option<Self> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let mut parts = token.split('.');
        let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
            return None;
        };
        let payload = base64url::decode_text(payload.as_bytes()).ok()?;
        let claims = Object::parse(&payload)?;
        Some(Self {
            is_of_issuer: claims.get("iss").map(|named| named.as_str() == Some(issuer)),
            issued_at: claims.get("iat").and_then(Value::as_i64),
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const ISSUER: &str = "https://clerk.example.com";

    fn token(issuer: &str, issued_at: i64) -> String {
        let payload = format!(r#"{{"iss":"{issuer}","iat":{issued_at}}}"#);
        format!("e30.{}.AAAA", URL_SAFE_NO_PAD.encode(payload))
    }

    fn found(names: &CookieNames, cookies: &str) -> Option<(String, Option<i64>)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookies.parse().expect("a header value"));
        Cookies::read(&headers, names)
            .credential(ISSUER)
            .map(|credential| {
                let token = str::from_utf8(credential.token).expect("a cookie is a text");
                (token.to_owned(), credential.client_updated_at)
            })
    }

    #[test]
    fn plain_names() {
        for (cookies, expected) in [
            ("a=b; __session=def; __client_uat=7; c=d", Some(("def", 7))),
            ("__session=def; __session=ghi; __client_uat=7", Some(("def", 7))),
            ("__session=; __session=ghi; __client_uat=7", None),
            ("__session=; __client_uat=7", None),
            ("__session; __client_uat=7", None),
            ("__session_qReyu04C=def; __client_uat=7", None),
            ("x__session=def; __Session=ghi; __client_uat=7", None),
            ("__client_uat=7", None),
            ("__session=def", None),
            ("__session=def; __client_uat=0", None),
            ("__session=def; __client_uat=-1", None),
            ("__session=def; __client_uat=soon", None),
            ("__session=def; __client_uat=0; __client_uat=7", None),
            ("__session=def; __client_uat=", None),
        ] {
            let expected = expected.map(|(token, time)| (token.to_owned(), Some(time)));
            assert_eq!(found(&CookieNames::default(), cookies), expected, "{cookies}");
        }
    }

    #[test]
    fn cookie_of_another_application_hides_nothing() {
        for other in [&b"theme=\xc3\xa4"[..], b"theme=\xff", b"\xff", b"theme", b""] {
            let mut headers = HeaderMap::new();
            let cookies = [other, b"; __session=def; ", other].concat();
            let value = axum::http::HeaderValue::from_bytes(&cookies).expect("opaque bytes are allowed");
            headers.insert(header::COOKIE, value);
            let cookies = Cookies::read(&headers, &CookieNames::default());
            assert_eq!(cookies.plain.session, Some("def"), "{other:?}");
        }
    }

    /// Tests each rule of Clerk's SDK, in the SDK's order.
    #[test]
    fn which_set_is_believed() {
        let (old, new) = (token(ISSUER, 100), token(ISSUER, 200));
        let foreign = token("https://clerk.other.example", 300);
        let anonymous = format!("e30.{}.AAAA", URL_SAFE_NO_PAD.encode(r#"{"iat":300}"#));
        for (plain, plain_time, own, own_time, expected) in [
            // 1: a plain session that cannot be read, or names no issuer, is refused.
            ("junk", "7", &*new, "7", Some("junk")),
            (&anonymous, "7", &new, "7", Some(&*anonymous)),
            // 2: the plain session is another application's.
            (&foreign, "7", &new, "7", Some(&new)),
            (&foreign, "7", "", "", None),
            // 3: there is no suffixed set.
            (&old, "7", "", "", Some(&old)),
            // 4: the plain session is newer.
            (&new, "7", &old, "7", Some(&new)),
            (&old, "7", &new, "7", Some(&new)),
            (&new, "", &old, "", None),
            // 5: signed out in the application's own set and not in the plain one, or the other way round.
            (&old, "7", &new, "0", Some(&old)),
            (&old, "", &new, "0", None),
            (&new, "0", &old, "7", Some(&old)),
            (&new, "0", &old, "0", None),
            // 7: the application's own session without its time.
            (&old, "7", &new, "", Some(&old)),
            ("", "", &new, "", None),
            // 8: the application's own.
            ("", "", &new, "7", Some(&new)),
            ("", "7", &new, "7", Some(&new)),
            (&old, "7", "", "7", None),
        ] {
            let cookies = format!(
                "__session={plain}; __client_uat={plain_time}; __session_qReyu04C={own}; __client_uat_qReyu04C={own_time}"
            );
            let found = found(&CookieNames::with_suffix("qReyu04C"), &cookies);
            let found = found.as_ref().map(|(token, _)| token.as_str());
            assert_eq!(found, expected, "{cookies}");
        }
    }
}
