//! An observation: the claims of a source about a user, an organization or a membership, and their version.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::version::Version;
use crate::claim::{Claim, ClaimKind, ClaimProblem, ClaimSource, Integer, Objects, UnreadableClaims};
use crate::id::is_id;
use crate::lenient::{Node, UnreadableValue};
use crate::row::{RowKind, SyncedRow, VersionSource};
use crate::session::Session;
use crate::time::Timestamp;

/// Claims and their version, from any source.
pub(crate) struct Observation<'a, U: SyncedRow> {
    pub(crate) source: ClaimSource<'a>,
    pub(crate) claims: U::Claims,
    pub(crate) version: Version,
}

impl<'a, U: SyncedRow> Observation<'a, U> {
    /// Returns the Clerk id.
    pub(crate) fn clerk_id(&self) -> &'a str {
        self.source.subject()
    }

    /// Reads the claims of a session token about its user, or about the organization with this id.
    pub(crate) fn from_session(session: &'a Session, clerk_id: &'a str) -> Result<Self, UnreadableClaims> {
        let source = session.claims().about(clerk_id);
        match (U::read_claims(source), version::<U>(session)) {
            (Ok(claims), Ok(version)) => Ok(Self {
                source,
                claims,
                version,
            }),
            (Err(claims), Err(version)) => Err(claims.and(version)),
            (Err(problem), _) | (_, Err(problem)) => Err(problem),
        }
    }
}

/// Returns the id of a session's row of `U`; `None` if that needs an organization and none is active.
pub(crate) fn clerk_id<U: SyncedRow>(session: &Session) -> Option<Cow<'_, str>> {
    let active = || session.organization().map(|active| active.id().as_str());
    match U::KIND {
        RowKind::User => Some(session.sub().into()),
        RowKind::Organization => active().map(Cow::Borrowed),
        RowKind::Membership => active().map(|active| key_of_membership(session.sub(), active).into()),
    }
}

/// Returns the key of a membership, because tokens have no membership id.
pub(crate) fn key_of_membership(user_id: &str, organization_id: &str) -> String {
    // Allocates once, for requests that are served from memory.
    [user_id, ":", organization_id].concat()
}

/// An object of the Backend API or of a webhook, read through the template.
#[cfg_attr(
    not(feature = "backend-api"),
    allow(dead_code, reason = "users come from tokens alone")
)]
pub(crate) struct ClerkObject<'a> {
    pub(crate) id: Cow<'a, str>,
    claims: Map<String, Value>,
    /// Claims that depend on an unreadable part of the object. The row is refused, and no column is cleared.
    unreadable: Vec<&'static str>,
    version: Version,
}

#[cfg_attr(
    not(feature = "backend-api"),
    allow(dead_code, reason = "users come from tokens alone")
)]
impl<'a> ClerkObject<'a> {
    /// Reads an object. Returns `None` if `id`, or `updated_at` in milliseconds, is missing or unreadable.
    pub(crate) fn new<U: SyncedRow>(node: Node<'a>) -> Option<Self> {
        let objects = match U::KIND {
            RowKind::User => Objects::User(node),
            RowKind::Organization => Objects::Organization(node),
            RowKind::Membership => Objects::Membership(node),
        };
        let updated_at = node.get("updated_at").whole().ok()?.as_i64()?;
        let mut claims = Map::new();
        let mut unreadable = Vec::new();
        for claim in U::TEMPLATE {
            match claim.expression.evaluate_lenient(objects) {
                Ok(Some(value)) => drop(claims.insert(claim.name.to_owned(), value)),
                Ok(None) => {}
                Err(UnreadableValue) => unreadable.push(claim.name),
            }
        }
        Some(Self {
            id: match U::KIND {
                RowKind::User | RowKind::Organization => Self::id(node)?.into(),
                RowKind::Membership => Self::key(node)?.into(),
            },
            claims,
            unreadable,
            version: Version::from_api(Timestamp::from_millis(updated_at)),
        })
    }

    /// Returns the id of an object, if it can be read.
    pub(crate) fn id(node: Node<'a>) -> Option<&'a str> {
        let id = node.get("id").whole().ok()?.as_str()?;
        is_id(id).then_some(id)
    }

    /// Returns the key of a membership.
    fn key(membership: Node<'a>) -> Option<String> {
        let user = membership.get("public_user_data").get("user_id");
        let user_id = user.whole().ok()?.as_str().filter(|id| is_id(id))?;
        let organization_id = Self::id(membership.get("organization"))?;
        Some(key_of_membership(user_id, organization_id))
    }

    /// Returns the readable part of a row's key; an unreadable id is empty.
    #[cfg(feature = "backend-api")]
    pub(crate) fn readable_key<U: SyncedRow>(node: Node<'a>) -> String {
        let id = |node| Self::id(node).unwrap_or_default();
        match U::KIND {
            RowKind::User | RowKind::Organization => id(node).to_owned(),
            RowKind::Membership => {
                let user = node.get("public_user_data").get("user_id").whole().ok();
                let user_id = user.and_then(Value::as_str).filter(|id| is_id(id));
                key_of_membership(user_id.unwrap_or_default(), id(node.get("organization")))
            }
        }
    }

    /// Raises the version to at least this time.
    pub(crate) fn not_before(self, time: Timestamp) -> Self {
        let version = self.version.max(Version::from_api(time));
        Self { version, ..self }
    }

    #[cfg(feature = "backend-api")]
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Returns the claims as a token would carry them.
    pub(crate) fn source(&self) -> ClaimSource<'_> {
        ClaimSource::new(&self.id, &self.claims).with_unreadable(&self.unreadable)
    }

    pub(crate) fn observe<U: SyncedRow>(&self) -> Result<Observation<'_, U>, UnreadableClaims> {
        Ok(Observation {
            source: self.source(),
            claims: U::read_claims(self.source())?,
            version: self.version,
        })
    }
}

fn version<U: SyncedRow>(session: &Session) -> Result<Version, UnreadableClaims> {
    let VersionSource::UpdatedAt { claim } = U::VERSION else {
        return Ok(Version::from_issue(session.claims_read_at()));
    };
    let seconds = match session.claims().claim(claim) {
        Claim::Absent => Err(ClaimProblem::Absent),
        Claim::Null => Err(ClaimProblem::Null),
        Claim::Value(value) => Integer::read(value),
    };
    match seconds {
        Ok(seconds) => Ok(Version::from_token(
            Timestamp::from_secs(seconds),
            session.claims_read_at(),
        )),
        Err(problem) => Err(UnreadableClaims::one(claim, problem)),
    }
}
