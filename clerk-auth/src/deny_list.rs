//! The deny list: refused users and sessions, and changed memberships, for tokens that have not expired yet.
//!
//! A session token alone is valid until it expires. Clerk's later decisions reach this library as events: a ban, a
//! deletion, the end of a session, another role. The deny list applies these events to requests. The rules:
//!
//! - **The newest event wins.** A [`Denial`] bars a user or a session, corrects the claims about a membership, or
//!   admits a user again. Denials of one subject are ordered by the version of the event (`updated_at`), then by the
//!   time of the event. At equal order the stricter one wins. Duplicates, late deliveries and any order of arrival
//!   therefore end in the same state.
//! - **A denial bars every token of its subject,** whatever the age of the token. Clerk mints no token for a barred
//!   subject, so only a newer event admits the subject again.
//! - **A denial lives for a fixed time L** ([`DENIAL_LIFETIME`], 28 hours by default; a lockout lives until its end).
//!   The verifier refuses a token whose life (`exp` less the time at which its claims were read) exceeds L. When a
//!   denial is dropped, all earlier tokens have therefore expired. Svix gives up on a delivery after 27 hours and 35
//!   minutes, so an old event cannot arrive after the newer one is dropped.
//! - **Memory is bounded.** If more than [`MAX_DENIALS`] live at once, the oldest is dropped. From then on, every token
//!   with claims from before that denial was recorded is refused: a full list never admits a denied subject.
//! - **A lookup takes no lock and no allocation.** While there has never been a denial, a lookup is one atomic load.
//!   Recording a denial takes constant time, except for the tree of ages.
//!
//! # Memberships
//!
//! A token names the active organization, and the user's role and permissions in it. An event about the membership
//! (joined, changed, ended) or the end of the organization corrects these claims, and bars nothing else.
//!
//! - **An event counts for the tokens whose claims were read before it.** Unlike a barred user, a member who has left
//!   and returned has new tokens with correct claims. The claims of a token were read at `min(iat, oiat)`, so a copy
//!   from Clerk's edge is as old as the token that it copies.
//! - **The time of an event** is the `timestamp` of its envelope, or `updated_at` if that is later. The `updated_at` of
//!   a deletion is that of the last change before it.
//! - **The second of the event counts as before it.** Tokens have seconds and events milliseconds, so the order within
//!   a second is unknown. No correct claim is denied: after a change, the event contains the role that a token of the
//!   same second has. After an end, Clerk's origin mints no token with the organization. If a member returns within the
//!   second, the event that reports the return restores the membership.
//! - **An event of a member is a state,** not a difference: the role and permissions after the event. An event about
//!   metadata alone repeats the token's claims, and so changes nothing. If the event lacks the role, the member has no
//!   role. If the event lacks permissions, the member has none, unless the role is that of the token. With Billing,
//!   permissions of the event are limited to the features of the organization's plan, which only the token lists.
//! - **An event that names no user** may concern any member, so older tokens of all members lose the organization. A
//!   new token has the correct claims.
//! - **Memory is bounded separately from other denials,** so that changes of memberships evict no ban. A role with
//!   permissions of 256 bytes counts as two denials, and so on. If the oldest is dropped, tokens with claims from
//!   before it was recorded have no organization. Their users stay signed in.
//!
//! # Processes
//!
//! With a database, the table of denials is the authority. `sync` writes each event to the table. `sync` reads the
//! table at start-up, after a notification, and every second while no notifications can arrive. A notification itself
//! decides nothing. A process without a database holds only the denials from
//! [`Clerk::deny_session`](crate::Clerk::deny_session) and [`Clerk::deny_membership`](crate::Clerk::deny_membership),
//! and loses them at exit.

mod currency;
mod denial;
mod register;

use std::sync::Arc;
use std::time::Duration;

use currency::Currency;
pub(crate) use denial::{Denial, Effect, Key, Subject};
use register::Register;

use crate::session::{Correction, Session};
use crate::time::Timestamp;
use crate::token::Refusal;

/// The life of a denial, and the longest accepted life of a token. Svix retries a delivery for less: 27 hours and 35
/// minutes after the first attempt (its documentation, "Retries").
pub(crate) const DENIAL_LIFETIME: Duration = Duration::from_secs(28 * 60 * 60);

/// The most denials that are kept at once, and the most corrections of memberships. A denial takes about 200 bytes and
/// a correction about 500: 13 MB and 33 MB.
pub(crate) const MAX_DENIALS: usize = 65_536;

/// The denials of one Clerk instance in this process.
pub(crate) struct DenyList {
    lifetime: Duration,
    /// Users and sessions.
    barred: Register,
    /// Memberships and organizations.
    corrected: Register,
    /// The correction for claims that are older than a dropped one.
    ended: Arc<Correction>,
    currency: Currency,
}

impl DenyList {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self::with_capacity(lifetime, MAX_DENIALS)
    }

    fn with_capacity(lifetime: Duration, most: usize) -> Self {
        Self {
            lifetime,
            barred: Register::with_capacity(most),
            corrected: Register::with_capacity(most),
            ended: Arc::new(Correction::Ended),
            currency: Currency::new(),
        }
    }

    /// How long a denial lives.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Checks a session. Fails with the reason why its tokens are refused.
    pub(crate) fn check(&self, session: &Session, now: Timestamp) -> Result<(), Refusal> {
        if self.barred.is_unused() {
            return Ok(());
        }
        let refusal = self.refusal(Key::Session(session.sid()), now);
        if let Some(refusal) = refusal.or_else(|| self.refusal(Key::User(session.sub()), now)) {
            return Err(refusal);
        }
        if session.claims_read_at().as_millis() <= self.barred.floor() {
            return Err(Refusal::ClaimsTooOld);
        }
        Ok(())
    }

    /// Returns whether a deletion of the organization is recorded.
    pub(crate) fn is_deleted_organization(&self, organization: &str, now: Timestamp) -> bool {
        let deleted = |denial: &Denial| (denial.is_end() && denial.version == i64::MAX).then_some(());
        self.corrected
            .read(Key::Organization(organization), now, deleted)
            .is_some()
    }

    /// Returns whether a later end of the membership is recorded, alone or with its organization.
    pub(crate) fn has_ended(&self, user: &str, organization: &str, version: i64, now: Timestamp) -> bool {
        let ended = |denial: &Denial| (denial.is_end() && version <= denial.corrects_until()).then_some(());
        let membership = Key::Membership(user, organization);
        self.is_deleted_organization(organization, now)
            || self.corrected.read(membership, now, ended).is_some()
    }

    /// Corrects the session's claims about its organization.
    pub(crate) fn correct(&self, session: &mut Session, now: Timestamp) {
        if self.corrected.is_unused() {
            return;
        }
        let Some(organization) = session.claimed_organization() else {
            return;
        };
        let read_at = session.claims_read_at().as_millis();
        let correction = |key| {
            self.corrected.read(key, now, |denial| match &denial.effect {
                Effect::Corrects(correction) if read_at <= denial.corrects_until() => {
                    Some(Arc::clone(correction))
                }
                _ => None,
            })
        };
        let correction = if read_at <= self.corrected.floor() {
            Some(Arc::clone(&self.ended))
        } else {
            correction(Key::Organization(organization))
                .or_else(|| correction(Key::Membership(session.sub(), organization)))
        };
        if let Some(correction) = correction {
            session.correct(correction);
        }
    }

    /// Returns the reason why a user or a session is refused, if any.
    pub(crate) fn refusal(&self, key: Key<'_>, now: Timestamp) -> Option<Refusal> {
        self.barred.read(key, now, |denial| match denial.effect {
            Effect::Bars(refusal) => Some(refusal),
            Effect::Admits | Effect::Corrects(_) => None,
        })
    }

    /// Returns whether a denial or an admission of a user or a session is recorded.
    pub(crate) fn knows(&self, key: Key<'_>) -> bool {
        self.barred.knows(key)
    }

    /// Records a denial unless a newer one of its subject is known. `recorded_at` is when it was first recorded anywhere.
    pub(crate) fn record(&self, denial: Denial, recorded_at: Timestamp, now: Timestamp) {
        let register = match denial.subject {
            Subject::Session(_) | Subject::User(_) => &self.barred,
            Subject::Membership(..) | Subject::Organization(_) => &self.corrected,
        };
        register.record(denial, recorded_at, now);
    }

    /// Returns the tracker of this copy's age.
    pub(crate) fn currency(&self) -> &Currency {
        &self.currency
    }
}

#[cfg(test)]
mod tests;
