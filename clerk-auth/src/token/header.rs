//! The header of a token (RFC 7515 section 4). It is read once, not once for a token: the tokens of a key have the same,
//! byte for byte.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::base64url;
use super::refusal::Refusal;
use crate::claim::json::{Object, Value};
use crate::time::Timestamp;

/// `cat` of session tokens, and the value that some instances stamp on every token.
const SESSION_CATEGORIES: [&str; 2] = ["cl_B7d4PD111AAA", "cl_I7d4PD111III"];

/// The header of a session token.
#[derive(Debug)]
pub(crate) struct Header {
    /// As the token has it, in base64url.
    text: Box<[u8]>,
    key_id: Option<Box<str>>,
    origin_issued_at: Option<Timestamp>,
}

impl Header {
    fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let header = base64url::decode_text(text)?;
        let header = Object::parse(&header).ok_or(Refusal::Malformed)?;
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(Refusal::Algorithm);
        }
        if header.get("crit").is_some() {
            return Err(Refusal::Critical);
        }
        let typ = header.get("typ");
        let category = header.get("cat");
        let of_session = typ.is_none_or(|typ| typ.as_str() == Some("JWT"))
            && category.is_none_or(|category| {
                SESSION_CATEGORIES
                    .iter()
                    .any(|known| category.as_str() == Some(known))
            });
        if !of_session {
            return Err(Refusal::NotASessionToken);
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::Text(key_id)) => Some(key_id.as_ref().into()),
            Some(_) => return Err(Refusal::Malformed),
        };
        Ok(Self {
            text: text.into(),
            key_id,
            origin_issued_at: header.get("oiat").and_then(numeric_date),
        })
    }

    /// Which key the token claims to be signed with.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// When Clerk last read the claims from its database: `oiat`, if it is a number.
    pub(crate) fn origin_issued_at(&self) -> Option<Timestamp> {
        self.origin_issued_at
    }
}

/// Reads a `NumericDate` (RFC 7519 section 2) and rounds a fraction down, so that no rounding makes claims newer.
///
/// Anything but a number counts as absent, as in Clerk's SDKs: the parameter is internal to Clerk, and a change of its
/// type must not refuse every token. The claims then are as old as `iat` says, and never newer. A time before 1970 reads
/// as 1970, which is older than every change.
fn numeric_date(value: &Value<'_>) -> Option<Timestamp> {
    let Value::Number(number) = value else {
        return None;
    };
    // The cast saturates, and JSON has no NaN.
    let seconds = number
        .as_i64()
        .or_else(|| number.as_f64().map(|seconds| seconds as i64))?;
    Some(Timestamp::from_seconds(seconds.max(0)))
}

/// The header of the token that was verified last.
#[derive(Debug, Default)]
pub(crate) struct LastHeader(ArcSwapOption<Header>);

impl LastHeader {
    pub(crate) fn read(&self, text: &[u8]) -> Result<Arc<Header>, Refusal> {
        match &*self.0.load() {
            Some(last) if *last.text == *text => Ok(Arc::clone(last)),
            _ => Header::parse(text).map(Arc::new),
        }
    }

    /// For a token whose signature has been verified; what anybody may send would only take its place.
    pub(crate) fn keep(&self, header: &Arc<Header>) {
        if !self
            .0
            .load()
            .as_ref()
            .is_some_and(|last| Arc::ptr_eq(last, header))
        {
            self.0.store(Some(Arc::clone(header)));
        }
    }
}
