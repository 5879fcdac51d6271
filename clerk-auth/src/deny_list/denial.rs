//! A denial: the effect of an event on its subject, and the order of events.

use std::sync::Arc;

use crate::id::{OrganizationId, SessionId, UserId};
use crate::session::Correction;
use crate::time::Timestamp;
use crate::token::Refusal;

/// The subject of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Subject {
    Session(SessionId),
    User(UserId),
    Membership(UserId, OrganizationId),
    /// Every membership in the organization.
    Organization(OrganizationId),
}

/// A subject by its borrowed ids. Ids of one kind are unique.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Key<'a> {
    Session(&'a str),
    User(&'a str),
    Membership(&'a str, &'a str),
    Organization(&'a str),
}

/// The effect of an event on the tokens of a subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// The subject is admitted again.
    Admits,
    /// Every token is refused.
    Bars(Refusal),
    /// The membership that a token claims is corrected, if its claims were read before the event.
    Corrects(Arc<Correction>),
}

/// An event about a subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Denial {
    pub(crate) subject: Subject,
    pub(crate) effect: Effect,
    /// The version of the event's content: `updated_at` in milliseconds; `i64::MAX` for a denial that is never lifted.
    pub(crate) version: i64,
    /// When the event happened.
    pub(crate) happened_at: Timestamp,
    /// When the denial is forgotten.
    pub(crate) expires_at: Timestamp,
}

/// The bytes of a role and its permissions that count as one denial more.
const BYTES_OF_ONE: usize = 256;

impl Subject {
    pub(crate) fn key(&self) -> Key<'_> {
        match self {
            Self::Session(id) => Key::Session(id.as_str()),
            Self::User(id) => Key::User(id.as_str()),
            Self::Membership(user, organization) => Key::Membership(user.as_str(), organization.as_str()),
            Self::Organization(id) => Key::Organization(id.as_str()),
        }
    }

    /// Returns the user or the session, or the first id of a membership, for a log.
    pub(crate) fn first_id(&self) -> &str {
        match self.key() {
            Key::Session(id) | Key::User(id) | Key::Membership(id, _) | Key::Organization(id) => id,
        }
    }
}

impl Effect {
    /// The rank between events at the same moment: the greater wins.
    fn severity(&self) -> u8 {
        match self {
            Self::Admits => 0,
            Self::Corrects(correction) if matches!(**correction, Correction::Changed(_)) => 1,
            Self::Bars(_) | Self::Corrects(_) => 2,
        }
    }
}

impl Denial {
    /// True unless the denial admits its subject.
    pub(crate) fn denies(&self) -> bool {
        self.effect != Effect::Admits
    }

    /// Returns the time up to which a token's claims count as older than the event.
    ///
    /// A change happened at `updated_at`, and a deletion does not move `updated_at`. Neither time is later than the
    /// event.
    pub(crate) fn corrects_until(&self) -> i64 {
        let happened_at = self.happened_at.as_millis();
        match self.subject {
            Subject::Membership(..) => happened_at.max(self.version),
            _ => happened_at,
        }
    }

    pub(super) fn is_end(&self) -> bool {
        matches!(&self.effect, Effect::Corrects(correction) if **correction == Correction::Ended)
    }

    /// Returns how many denials this one counts as.
    pub(super) fn weight(&self) -> usize {
        match &self.effect {
            Effect::Corrects(correction) => match &**correction {
                Correction::Changed(standing) => 1 + standing.bytes() / BYTES_OF_ONE,
                Correction::Ended => 1,
            },
            Effect::Admits | Effect::Bars(_) => 1,
        }
    }

    /// Orders the denials of one subject: the greater wins.
    fn order(&self) -> (i64, Timestamp, u8) {
        (self.version, self.happened_at, self.effect.severity())
    }

    /// Returns the new state after this event, if it differs from `known`. A second delivery may prolong a denial.
    pub(super) fn after(self, known: &Self) -> Option<Self> {
        if self.is_end() && known.is_end() {
            // The application and Clerk may report the same end at two times. The later time decides which tokens are
            // older.
            let merged = Self {
                version: self.version.max(known.version),
                happened_at: self.happened_at.max(known.happened_at),
                expires_at: self.expires_at.max(known.expires_at),
                ..self
            };
            return (merged != *known).then_some(merged);
        }
        ((self.order(), self.expires_at) > (known.order(), known.expires_at)).then_some(self)
    }
}
