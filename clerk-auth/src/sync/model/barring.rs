//! Derives denials, admissions and corrections of memberships from events.

use std::sync::Arc;
use std::time::Duration;

use crate::deny_list::{Denial, Effect, Subject};
use crate::id::{OrganizationId, UserId};
use crate::session::{Correction, Standing};
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::webhook::{ClerkOrganizationMembership, ClerkUser, Event, Webhook};

/// The rules for deriving denials from events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Barring {
    /// The life of a denial.
    pub(crate) lifetime: Duration,
    /// True if a lockout ends existing sessions. Clerk does not end them, and anyone with a user's e-mail address can
    /// cause a lockout.
    pub(crate) lockout_ends_sessions: bool,
}

impl Barring {
    /// Returns the denial of a deleted user, which no event supersedes.
    pub(crate) fn of_deleted(&self, user: &UserId, now: Timestamp) -> Denial {
        Denial {
            subject: Subject::User(user.clone()),
            effect: Effect::Bars(Refusal::UserDeleted),
            version: i64::MAX,
            happened_at: now,
            expires_at: now + self.lifetime,
        }
    }

    /// Returns the end of all memberships of a deleted organization, which no event supersedes.
    pub(crate) fn of_deleted_organization(
        &self,
        organization: &OrganizationId,
        happened_at: Timestamp,
        now: Timestamp,
    ) -> Denial {
        Denial {
            subject: Subject::Organization(organization.clone()),
            effect: Effect::Corrects(Arc::new(Correction::Ended)),
            version: i64::MAX,
            happened_at,
            expires_at: now + self.lifetime,
        }
    }

    /// Returns the denial, admission or correction of a delivery, if any.
    pub(crate) fn of_delivery(&self, delivery: &Webhook, now: Timestamp) -> Option<Denial> {
        let happened_at = delivery.timestamp;
        match &delivery.event {
            Event::SessionEnded(session)
            | Event::SessionRemoved(session)
            | Event::SessionRevoked(session) => Some(Denial {
                subject: Subject::Session(session.id.clone()),
                effect: Effect::Bars(Refusal::SessionEnded),
                version: i64::MAX,
                happened_at,
                expires_at: now + self.lifetime,
            }),
            Event::UserCreated(user) | Event::UserUpdated(user) => Some(self.of_user(user, happened_at, now)),
            Event::UserDeleted(deleted) => deleted.id.as_ref().map(|id| Denial {
                happened_at,
                ..self.of_deleted(id, now)
            }),
            Event::OrganizationMembershipCreated(membership) => {
                let user = membership.user_id.as_ref()?;
                Some(self.of_membership(membership, user, standing(membership), happened_at, now))
            }
            Event::OrganizationMembershipUpdated(membership) => Some(match &membership.user_id {
                Some(user) => self.of_membership(membership, user, standing(membership), happened_at, now),
                None => self.of_unknown_member(membership, happened_at, now),
            }),
            Event::OrganizationMembershipDeleted(membership) => Some(match &membership.user_id {
                Some(user) => self.of_membership(membership, user, Correction::Ended, happened_at, now),
                None => self.of_unknown_member(membership, happened_at, now),
            }),
            Event::OrganizationDeleted(deleted) => match &deleted.id {
                Some(id) => Some(self.of_deleted_organization(id, happened_at, now)),
                None => {
                    tracing::warn!("an organization was deleted, and the event has no organization id");
                    None
                }
            },
            _ => None,
        }
    }

    /// Returns the state of a membership after an event.
    fn of_membership(
        &self,
        membership: &ClerkOrganizationMembership,
        user: &UserId,
        correction: Correction,
        happened_at: Timestamp,
        now: Timestamp,
    ) -> Denial {
        Denial {
            subject: Subject::Membership(user.clone(), membership.organization_id.clone()),
            effect: Effect::Corrects(Arc::new(correction)),
            version: membership.updated_at.as_millis(),
            happened_at,
            expires_at: now + self.lifetime,
        }
    }

    /// Ends the membership in older claims of all members, because the event may concern any of them.
    fn of_unknown_member(
        &self,
        membership: &ClerkOrganizationMembership,
        happened_at: Timestamp,
        now: Timestamp,
    ) -> Denial {
        tracing::warn!(
            membership_id = membership.id.as_str(),
            organization_id = membership.organization_id.as_str(),
            "a membership has changed, and the event has no user id: members need new session tokens"
        );
        Denial {
            subject: Subject::Organization(membership.organization_id.clone()),
            effect: Effect::Corrects(Arc::new(Correction::Ended)),
            version: happened_at.as_millis(),
            happened_at,
            expires_at: now + self.lifetime,
        }
    }

    fn of_user(&self, user: &ClerkUser, happened_at: Timestamp, now: Timestamp) -> Denial {
        let lifetime = now + self.lifetime;
        let locked_until = user.locked.then(|| self.end_of_lockout(user, happened_at, now));
        let (effect, expires_at) = if user.banned {
            (Effect::Bars(Refusal::UserBanned), lifetime)
        } else if user.deprovisioned {
            (Effect::Bars(Refusal::UserDeprovisioned), lifetime)
        } else {
            match locked_until {
                Some(end) if self.lockout_ends_sessions && end > now => {
                    (Effect::Bars(Refusal::UserLocked), end)
                }
                _ => (Effect::Admits, lifetime),
            }
        };
        Denial {
            subject: Subject::User(user.id.clone()),
            effect,
            version: user.updated_at.as_millis(),
            happened_at,
            expires_at,
        }
    }

    /// Returns the end of a lockout, counted from its event, even if that arrives late.
    fn end_of_lockout(&self, user: &ClerkUser, happened_at: Timestamp, now: Timestamp) -> Timestamp {
        match user.lockout_expires_in_seconds {
            Some(seconds) => happened_at + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
            None => now + self.lifetime,
        }
    }
}

fn standing(membership: &ClerkOrganizationMembership) -> Correction {
    Correction::Changed(Standing::new(&membership.role, membership.permissions()))
}
