//! Bounds the lookups of users at Clerk, in total and per user.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::session::Session;
use crate::time::Timestamp;
use crate::token::LEEWAY;

/// The maximum number of lookups in [`WINDOW`]: half of the 100 requests in ten seconds that Clerk allows a development
/// instance (its documentation, "Rate limits").
const MAX_REQUESTS: u32 = 50;

/// The window in which lookups are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// The maximum number of recorded users, about 100 bytes each.
const MAX_USERS: usize = 10_000;

/// The minimum time between two lookups of one user, however many sessions and tokens they have.
const USER_INTERVAL: Duration = Duration::from_secs(5);

/// Like [`USER_INTERVAL`], for a user whose row holds a unique value that other users claim.
const HOLDER_INTERVAL: Duration = Duration::from_secs(60);

/// The recent lookups.
pub(crate) struct ApiBudget {
    window: Mutex<(Timestamp, u32)>,
    users: Cache<Box<str>, Asked>,
    hasher: RandomState,
}

/// A running lookup. On drop, its answer is recorded, so a cancelled request counts too.
pub(crate) struct ApiRequest<'a> {
    budget: &'a ApiBudget,
    clerk_id: &'a str,
    token: Option<u64>,
    at: Timestamp,
    /// `Silence` until there is another answer.
    pub(crate) answer: Answer,
}

impl Drop for ApiRequest<'_> {
    fn drop(&mut self) {
        let Self {
            token, at, answer, ..
        } = *self;
        let asked = Asked { at, token, answer };
        self.budget.users.insert(self.clerk_id.into(), asked);
    }
}

/// The last lookup of a user.
#[derive(Clone, Copy)]
struct Asked {
    at: Timestamp,
    /// The token that caused the lookup; `None` for that of a holder.
    token: Option<u64>,
    answer: Answer,
}

/// The result of a lookup.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// The user, whose row has been brought up to date.
    User,
    /// Clerk has no such user. This is not a deletion, because a replica of Clerk may be behind.
    Unknown,
    /// No usable answer.
    Silence,
}

impl Default for ApiBudget {
    fn default() -> Self {
        Self {
            window: Mutex::new((Timestamp::from_millis(i64::MIN), 0)),
            users: Cache::new(MAX_USERS),
            hasher: RandomState::new(),
        }
    }
}

impl ApiBudget {
    /// Counts a lookup; returns false if the budget is used up.
    pub(crate) fn take(&self, now: Timestamp) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = *window;
        let is_over = now < began || now.since(began) >= WINDOW;
        let (began, count) = if is_over { (now, 0) } else { (began, count) };
        if count >= MAX_REQUESTS {
            return false;
        }
        *window = (began, count + 1);
        true
    }

    /// Returns the answer that still holds for a token; `None` if a lookup of its user is allowed.
    pub(crate) fn answer(&self, session: &Session, now: Timestamp) -> Option<Answer> {
        let asked = self.users.get(session.sub())?;
        // A clock that was set back makes the time unknown.
        if now < asked.at {
            return None;
        }
        let is_recent = now.since(asked.at) < USER_INTERVAL;
        // The answer is newer than the token's claims, so another lookup adds nothing to the row.
        let is_newer =
            || asked.token == Some(self.token(session)) || session.claims_read_at() + LEEWAY <= asked.at;
        (is_recent || (asked.answer == Answer::User && is_newer())).then_some(asked.answer)
    }

    /// Returns whether a lookup of a user who holds a unique value is allowed.
    pub(crate) fn is_holder_due(&self, clerk_id: &str, now: Timestamp) -> bool {
        let asked = self.users.get(clerk_id);
        asked.is_none_or(|asked| now < asked.at || now.since(asked.at) >= HOLDER_INTERVAL)
    }

    /// Begins a lookup of a user, for one of their tokens, if any.
    pub(crate) fn begin<'a>(
        &'a self,
        clerk_id: &'a str,
        session: Option<&Session>,
        now: Timestamp,
    ) -> ApiRequest<'a> {
        ApiRequest {
            budget: self,
            clerk_id,
            token: session.map(|session| self.token(session)),
            at: now,
            answer: Answer::Silence,
        }
    }

    fn token(&self, session: &Session) -> u64 {
        let times = [session.issued_at(), session.expires_at()].map(Timestamp::as_millis);
        self.hasher.hash_one((session.sid(), times))
    }
}
