//! A verified session: the user, the organization, and the claims.

mod actor;
mod authorization;
mod claims;
mod correction;
mod custom;
mod organization;
mod payload;
mod payload_slice;
mod permissions;

use std::fmt;
use std::sync::Arc;

use crate::claim::{Claim, ClaimSource};
use crate::id::{SessionId, UserId};
use crate::time::Timestamp;

pub use actor::{Actor, ActorKind};
pub(crate) use authorization::without_prefix;
pub use claims::MalformedClaim;
pub(crate) use claims::StandardClaims;
pub(crate) use correction::{Correction, Standing};
use custom::CustomClaims;
pub use organization::Organization;
pub(crate) use payload::Payload;
use payload_slice::PayloadSlice;

/// A session whose token has been verified. Cloning is cheap.
///
/// As an extractor, a `Session` does not access the database, and rejects with a
/// [`Rejection`](crate::extract::Rejection).
///
/// ```
/// use clerk_auth::{Session, authenticated};
///
/// #[authenticated]
/// async fn whoami(session: Session) -> String {
///     session.user_id().to_string()
/// }
/// ```
#[derive(Clone)]
pub struct Session {
    data: Arc<SessionData>,
    /// The state of the membership after a later event, if any.
    correction: Option<Arc<Correction>>,
}

struct SessionData {
    payload: String,
    standard: StandardClaims,
    custom: CustomClaims,
}

impl Session {
    /// Creates a session from the payload of a token whose signature has been verified, and its parsed claims.
    pub(crate) fn new(standard: StandardClaims, payload: String) -> Self {
        let data = Arc::new(SessionData {
            payload,
            standard,
            custom: CustomClaims::default(),
        });
        Self {
            data,
            correction: None,
        }
    }

    /// Returns the Clerk user id of the signed-in user: `sub`.
    pub fn user_id(&self) -> &UserId {
        self.data.standard.user_id.get(&self.data.payload, UserId::new)
    }

    /// Returns the session id: `sid`.
    pub fn id(&self) -> &SessionId {
        self.data.standard.id.get(&self.data.payload, SessionId::new)
    }

    /// Returns the Clerk user id as text, the key of each request's lookup, without building a `UserId`.
    pub(crate) fn sub(&self) -> &str {
        self.data.standard.user_id.claim(&self.data.payload)
    }

    /// Returns the session id as text, without building a `SessionId`.
    pub(crate) fn sid(&self) -> &str {
        self.data.standard.id.claim(&self.data.payload)
    }

    /// Returns the Clerk instance: `iss`, the origin of its Frontend API.
    pub fn issuer(&self) -> &str {
        self.data.standard.issuer.get(&self.data.payload)
    }

    /// Returns the origin of the front end that requested the token: `azp`.
    pub fn authorized_party(&self) -> Option<&str> {
        self.slice(self.data.standard.authorized_party.as_ref())
    }

    /// Returns the time at which the token was minted: `iat`.
    pub fn issued_at(&self) -> Timestamp {
        self.data.standard.issued_at
    }

    /// Returns the time at which Clerk read the claims from its database: the earlier of [`issued_at`](Self::issued_at)
    /// and the header's `oiat`.
    ///
    /// Clerk's edge mints tokens that copy the claims of an earlier token. Such a token is new, but its claims are as
    /// old as those of the earlier token. Compare the age of claims by this time, and never by `issued_at`. An `oiat`
    /// that is not a number, or that is later than `iat`, has no effect.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use axum::http::{HeaderMap, header::AUTHORIZATION};
    /// use clerk_auth::testing::Issuer;
    /// use clerk_auth::time::{Clock, SystemClock};
    /// use serde_json::Value;
    ///
    /// let issuer = Issuer::new("https://clerk.example.com");
    /// let now = SystemClock.now();
    /// let header = format!(r#"{{"alg":"RS256","oiat":{}}}"#, now.as_secs() - 600);
    /// let payload = Value::Object(issuer.claims("user_ada", now));
    /// let token = issuer.sign_raw(&header, &payload.to_string());
    ///
    /// let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse()?)]);
    /// let session = issuer.clerk().authenticate(&headers).await?;
    /// assert_eq!(session.issued_at().as_secs(), now.as_secs());
    /// assert_eq!(session.claims_read_at().as_secs(), now.as_secs() - 600);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap() }
    /// ```
    pub fn claims_read_at(&self) -> Timestamp {
        let issued_at = self.issued_at();
        let origin_issued_at = self.data.standard.origin_issued_at;
        origin_issued_at.map_or(issued_at, |time| time.min(issued_at))
    }

    /// Returns the time from which the token is valid: `nbf`.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.data.standard.not_before
    }

    /// Returns the time at which the token expires: `exp`.
    pub fn expires_at(&self) -> Timestamp {
        self.data.standard.expires_at
    }

    /// Returns whether a session task, such as choosing an organization, is pending: `sts`. Such a session is refused
    /// by default; see [`accept_pending_sessions`](crate::clerk::ClerkBuilder::accept_pending_sessions).
    pub fn is_pending(&self) -> bool {
        self.data.standard.pending
    }

    /// Returns the active organization, if any. Also returns `None` if the user [has left](Self::has_left_organization)
    /// it.
    pub fn organization(&self) -> Option<Organization<'_>> {
        let payload = self.data.payload.as_str();
        let claims = self.data.standard.organization.as_ref()?;
        let standing = match self.correction.as_deref() {
            None => None,
            Some(Correction::Changed(standing)) => Some(standing),
            Some(Correction::Ended) => return None,
        };
        Some(Organization {
            claims,
            standing,
            features: self.data.standard.features.get(payload),
            plans: self.data.standard.plans.get(payload),
            payload,
        })
    }

    /// Returns whether the user has left the token's active organization since the claims were read. See
    /// [`routing::webhooks`](crate::routing::webhooks) and [`Clerk::deny_membership`](crate::Clerk::deny_membership).
    ///
    /// A handler that checks a role itself can then answer with the code by which a front end fetches a new token:
    ///
    /// ```
    /// use clerk_auth::extract::Rejection;
    /// use clerk_auth::policy::Denied;
    /// use clerk_auth::{Session, authenticated};
    ///
    /// #[authenticated]
    /// async fn team(session: Session) -> Result<String, Rejection> {
    ///     match session.organization() {
    ///         Some(organization) => Ok(format!("the team of {}", organization.id())),
    ///         None if session.has_left_organization() => Err(Rejection::Denied(Denied::OrganizationChanged)),
    ///         None => Ok("no team is selected".to_owned()),
    ///     }
    /// }
    /// ```
    pub fn has_left_organization(&self) -> bool {
        matches!(self.correction.as_deref(), Some(Correction::Ended))
    }

    /// Returns the id of the token's organization, regardless of later events.
    pub(crate) fn claimed_organization(&self) -> Option<&str> {
        let organization = self.data.standard.organization.as_ref()?;
        Some(organization.id.claim(&self.data.payload))
    }

    /// Sets the state of the membership after an event. Other clones of the session are not changed.
    pub(crate) fn correct(&mut self, correction: Arc<Correction>) {
        self.correction = Some(correction);
    }

    /// Returns the session with the token's own claims, if the user has left the organization since.
    pub(crate) fn before_leaving(&self) -> Option<Self> {
        self.has_left_organization().then(|| Self {
            data: Arc::clone(&self.data),
            correction: None,
        })
    }

    /// Returns the person or agent who acts for the user, if any.
    pub fn actor(&self) -> Option<Actor<'_>> {
        let payload = self.data.payload.as_str();
        let claims = self.data.standard.actor.as_ref()?;
        Some(Actor { claims, payload })
    }

    /// Returns the id of the [actor](Self::actor), whatever its kind: `act.sub`.
    pub fn impersonator(&self) -> Option<&str> {
        self.actor().map(|actor| actor.id())
    }

    /// Returns the minutes since the first and the second factor were verified, as of [`issued_at`](Self::issued_at);
    /// -1 means never.
    ///
    /// `fva` is the age at [`claims_read_at`](Self::claims_read_at), and Clerk's edge copies `fva` into later tokens.
    /// So the whole minutes between the two times are added, rounded down as Clerk does.
    pub fn factor_verification_age(&self) -> Option<[i64; 2]> {
        let copied_after = self.issued_at().since(self.claims_read_at()).as_secs() / 60;
        let copied_after = i64::try_from(copied_after).unwrap_or(i64::MAX);
        let ages = self.data.standard.factor_verification_age?;
        Some(ages.map(|age| match age {
            -1 => -1,
            age => age.saturating_add(copied_after),
        }))
    }

    fn slice<'a>(&'a self, slice: Option<&'a PayloadSlice>) -> Option<&'a str> {
        slice.map(|slice| slice.get(&self.data.payload))
    }

    /// Returns whether both are clones of the same session: one token, verified once.
    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.data, &other.data)
    }

    /// Returns a custom claim.
    pub fn claim(&self, name: &str) -> Claim<'_> {
        self.claims().claim(name)
    }

    /// Returns all custom claims. The first call decodes and caches them.
    pub fn claims(&self) -> ClaimSource<'_> {
        ClaimSource::new(self.sub(), self.data.custom.get(&self.data.payload))
    }
}

impl fmt::Debug for Session {
    /// Prints only ids, because custom claims are personal data.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("user_id", &self.sub())
            .field("id", &self.sid())
            .finish_non_exhaustive()
    }
}
