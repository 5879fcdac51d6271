//! Derives denials and admissions from events.

use std::time::Duration;

use crate::deny_list::{Denial, Subject};
use crate::id::UserId;
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::webhook::{ClerkUser, Event, Webhook};

/// The rules for deriving denials from events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Barring {
    /// How long a denial lives.
    pub(crate) lifetime: Duration,
    /// True if a lockout ends existing sessions. Clerk leaves them alone, and anyone with the e-mail address of a user
    /// can cause a lockout.
    pub(crate) lockout_ends_sessions: bool,
}

impl Barring {
    /// Returns the denial of a user who is deleted, which no event supersedes.
    pub(crate) fn of_deleted(&self, user: &UserId, now: Timestamp) -> Denial {
        Denial {
            subject: Subject::User(user.clone()),
            refusal: Some(Refusal::UserDeleted),
            version: i64::MAX,
            happened_at: now,
            expires_at: now + self.lifetime,
        }
    }

    /// Returns the denial or admission in a delivery; returns `None` if the delivery contains neither.
    pub(crate) fn of_delivery(&self, delivery: &Webhook, now: Timestamp) -> Option<Denial> {
        let happened_at = delivery.timestamp;
        match &delivery.event {
            Event::SessionEnded(session)
            | Event::SessionRemoved(session)
            | Event::SessionRevoked(session) => Some(Denial {
                subject: Subject::Session(session.id.clone()),
                refusal: Some(Refusal::SessionEnded),
                version: i64::MAX,
                happened_at,
                expires_at: now + self.lifetime,
            }),
            Event::UserCreated(user) | Event::UserUpdated(user) => Some(self.of_user(user, happened_at, now)),
            Event::UserDeleted(deleted) => deleted.id.as_ref().map(|id| Denial {
                happened_at,
                ..self.of_deleted(id, now)
            }),
            _ => None,
        }
    }

    fn of_user(&self, user: &ClerkUser, happened_at: Timestamp, now: Timestamp) -> Denial {
        let lifetime = now + self.lifetime;
        let locked_until = user.locked.then(|| self.end_of_lockout(user, happened_at, now));
        let (refusal, expires_at) = if user.banned {
            (Some(Refusal::UserBanned), lifetime)
        } else if user.deprovisioned {
            (Some(Refusal::UserDeprovisioned), lifetime)
        } else {
            match locked_until {
                Some(end) if self.lockout_ends_sessions && end > now => (Some(Refusal::UserLocked), end),
                _ => (None, lifetime),
            }
        };
        Denial {
            subject: Subject::User(user.id.clone()),
            refusal,
            version: user.updated_at.milliseconds(),
            happened_at,
            expires_at,
        }
    }

    /// A lockout runs from the event that reported it, however late that arrives.
    fn end_of_lockout(&self, user: &ClerkUser, happened_at: Timestamp, now: Timestamp) -> Timestamp {
        match user.lockout_expires_in_seconds {
            Some(seconds) => happened_at + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
            None => now + self.lifetime,
        }
    }
}
