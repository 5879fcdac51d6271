//! Verifies a compact JWT as a Clerk session token, over bytes that are already in memory.
//!
//! The checks in their order. The first failure is the reason:
//!
//! 1. length, three parts, base64url without padding;
//! 2. the header: a JSON object, `alg` RS256, no `crit`, `typ` and `cat` of a session token;
//! 3. the signature, before any claim is read;
//! 4. the claims: a JSON object without duplicates, `sub` of a user, the standard claims in their types;
//! 5. `azp`, `iss`, `exp`, `nbf`, `iat`;
//! 6. the life of the token: from the time at which its claims were read to `exp`;
//! 7. the session's status.
//!
//! If Clerk's SDKs disagree, the stricter interpretation applies.

use std::sync::Arc;
use std::time::Duration;

use memchr::memchr_iter;

use super::base64url;
use super::header::{Header, LastHeader};
use super::key::VerifyingKey;
use super::refusal::Refusal;
use crate::claim::json::Value;
use crate::session::{MalformedClaim, Payload, Session, StandardClaims};
use crate::time::Timestamp;

/// The length limit of a session token, in bytes. Clerk limits metadata to 8 KB, which are 11 KB in base64url. With
/// `allow(unbounded_claims)`, a template may contain all metadata, and the token is accepted in a header. A cookie
/// holds 4 KB.
pub(super) const MAX_LENGTH: usize = 16_384;

/// The tolerance for clock skew: that of Clerk's SDK.
pub(crate) const LEEWAY: Duration = Duration::from_secs(5);

/// The expected values of a token's claims.
#[derive(Debug)]
pub(crate) struct Expectations {
    pub(crate) issuer: Box<str>,
    /// Accepted values of `azp`; empty accepts every party.
    pub(crate) parties: Vec<Box<str>>,
    /// True if a session with pending tasks counts as signed in.
    pub(crate) pending: bool,
    /// The longest accepted life of a token, from the time at which its claims were read; `None` for any.
    pub(crate) longest_life: Option<Duration>,
}

/// A token whose header has been read, but whose signature has not been verified.
#[derive(Debug)]
pub(crate) struct UnverifiedToken<'a> {
    signed: &'a [u8],
    payload: &'a [u8],
    signature: Vec<u8>,
    pub(crate) header: Arc<Header>,
    origin_issued_at: Option<Timestamp>,
}

impl<'a> UnverifiedToken<'a> {
    /// Performs steps 1 and 2.
    pub(crate) fn parse(token: &'a [u8], last: &LastHeader) -> Result<Self, Refusal> {
        if token.len() > MAX_LENGTH {
            return Err(Refusal::TooLong);
        }
        let mut dots = memchr_iter(b'.', token);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(Refusal::Malformed);
        };
        let (header, origin_issued_at) = last.read(&token[..first])?;
        Ok(Self {
            signed: &token[..second],
            payload: &token[first + 1..second],
            header,
            origin_issued_at,
            signature: base64url::decode(&token[second + 1..])?,
        })
    }

    /// Performs steps 3 to 7.
    pub(crate) fn verify(
        &self,
        key: &VerifyingKey,
        expectations: &Expectations,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        key.verify(self.signed, &self.signature)?;
        let payload = base64url::decode_text(self.payload)?;
        let claims = Payload::parse(&payload).ok_or(Refusal::Malformed)?;
        check_subject(&claims)?;
        let claims = StandardClaims::read(&claims, self.origin_issued_at)?;
        let session = Session::new(claims, payload);
        check_agreement(&session, expectations)?;
        check_times(&session, now)?;
        check_life(&session, expectations)?;
        if session.is_pending() && !expectations.pending {
            return Err(Refusal::Pending);
        }
        Ok(session)
    }
}

/// Rejects a machine's token (`mch_…`) and a JWT template's (no `sid`), which are signed with the same key.
fn check_subject(claims: &Payload<'_>) -> Result<(), Refusal> {
    let subject = claims.sub.as_ref().and_then(Value::as_str).unwrap_or_default();
    if subject.is_empty() {
        return Err(MalformedClaim { name: "sub" }.into());
    }
    if subject.starts_with("mch_") || claims.sid.is_none() {
        return Err(Refusal::NotASessionToken);
    }
    Ok(())
}

fn check_agreement(session: &Session, expectations: &Expectations) -> Result<(), Refusal> {
    let accepted = |party: &str| expectations.parties.iter().any(|known| **known == *party);
    if !expectations.parties.is_empty() && !session.authorized_party().is_some_and(accepted) {
        return Err(Refusal::Party);
    }
    if session.issuer() != &*expectations.issuer {
        return Err(Refusal::Issuer);
    }
    Ok(())
}

/// Checks the life of a token. A longer-lived token would outlive a ban, and be accepted again.
fn check_life(session: &Session, expectations: &Expectations) -> Result<(), Refusal> {
    let life = session.expires_at().since(session.claims_read_at());
    if expectations.longest_life.is_some_and(|longest| life > longest) {
        return Err(Refusal::LivesTooLong);
    }
    Ok(())
}

/// Checks the times of a session, at each use.
pub(crate) fn check_times(session: &Session, now: Timestamp) -> Result<(), Refusal> {
    let latest = now + LEEWAY;
    if session.expires_at() + LEEWAY <= now {
        return Err(Refusal::Expired);
    }
    if session.not_before().is_some_and(|time| time > latest) {
        return Err(Refusal::NotActiveYet);
    }
    if session.issued_at() > latest {
        return Err(Refusal::IssuedInTheFuture);
    }
    Ok(())
}
