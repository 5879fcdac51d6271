//! A verified session: who is signed in, where, and with which claims.

mod authorization;
mod claims;
mod custom;
mod payload;
mod permissions;

use std::fmt;
use std::sync::Arc;

use crate::claim::{Claim, ClaimSource};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::time::Timestamp;

pub use claims::MalformedClaim;
pub(crate) use claims::StandardClaims;
use custom::CustomClaims;
pub(crate) use payload::Payload;
use permissions::Permissions;

/// A session whose token has been verified. Cloning is cheap.
///
/// As an extractor it costs no database; it rejects with a [`Rejection`](crate::extract::Rejection).
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
pub struct Session(Arc<SessionData>);

struct SessionData {
    standard: StandardClaims,
    custom: CustomClaims,
}

/// The organization that is active in a session.
///
/// ```
/// use clerk_auth::Session;
///
/// /// Which organization's data a request is about.
/// fn tenant(session: &Session) -> Option<&str> {
///     session.organization().map(|organization| organization.id().as_str())
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organization {
    id: OrganizationId,
    slug: Option<Box<str>>,
    role: Option<Box<str>>,
    permissions: Permissions,
}

impl Session {
    /// From the payload of a token whose signature has been verified, and what was read from it.
    pub(crate) fn new(standard: StandardClaims, payload: Vec<u8>) -> Self {
        let custom = CustomClaims::of(payload);
        Self(Arc::new(SessionData { standard, custom }))
    }

    /// Who is signed in: `sub`.
    pub fn user_id(&self) -> &UserId {
        &self.0.standard.user_id
    }

    /// The session: `sid`.
    pub fn id(&self) -> &SessionId {
        &self.0.standard.id
    }

    /// The Clerk instance: `iss`, the origin of its Frontend API.
    pub fn issuer(&self) -> &str {
        &self.0.standard.issuer
    }

    /// The origin of the front end that asked for the token: `azp`.
    pub fn authorized_party(&self) -> Option<&str> {
        self.0.standard.authorized_party.as_deref()
    }

    /// When the token was minted: `iat`.
    pub fn issued_at(&self) -> Timestamp {
        self.0.standard.issued_at
    }

    /// From when on the token is valid: `nbf`.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.0.standard.not_before
    }

    /// When the token expires: `exp`.
    pub fn expires_at(&self) -> Timestamp {
        self.0.standard.expires_at
    }

    /// Whether a session task, such as choosing an organization, is still to be done: `sts`. Such a session is refused,
    /// unless the handle was told to [accept it](crate::clerk::ClerkBuilder::accept_pending_sessions).
    pub fn is_pending(&self) -> bool {
        self.0.standard.pending
    }

    /// The active organization, if there is one.
    pub fn organization(&self) -> Option<&Organization> {
        self.0.standard.organization.as_ref()
    }

    /// The user id of the person who impersonates this user: `act.sub`.
    pub fn impersonator(&self) -> Option<&str> {
        self.0.standard.actor.as_deref()
    }

    /// Minutes since the first and the second factor were verified, as of [`issued_at`](Self::issued_at); -1 means
    /// never: `fva`.
    pub fn factor_verification_age(&self) -> Option<[i64; 2]> {
        self.0.standard.factor_verification_age
    }

    /// Whether both are clones of one: the same token, verified once.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// One custom claim.
    pub fn claim(&self, name: &str) -> Claim<'_> {
        self.claims().claim(name)
    }

    /// All custom claims. They are decoded when the first of a token is asked for, and kept.
    pub fn claims(&self) -> ClaimSource<'_> {
        ClaimSource::new(self.0.standard.user_id.as_str(), self.0.custom.decoded())
    }
}

impl Organization {
    /// The organization's id.
    pub fn id(&self) -> &OrganizationId {
        &self.id
    }

    /// The organization's slug, if the instance uses them.
    pub fn slug(&self) -> Option<&str> {
        self.slug.as_deref()
    }

    /// The person's role in it, with its prefix: `org:admin`.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The person's custom permissions in it: `org:feature:action`.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.permissions.iter()
    }
}

impl fmt::Debug for Session {
    /// Ids only: custom claims are personal data.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("user_id", &self.0.standard.user_id)
            .field("id", &self.0.standard.id)
            .finish_non_exhaustive()
    }
}
