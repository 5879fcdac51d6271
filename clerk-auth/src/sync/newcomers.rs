//! Whether a user probably has no row yet, so that one statement is to read it and insert it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::observation::Observation;
use super::plan::SyncOutcome;
use crate::session::Session;
use crate::time::Timestamp;
use crate::user::{SyncedUser, VersionSource};

/// How long after their last change a token is still minted for a newcomer: as long as a session token lives, so that it is
/// the first of the session or the one after it (Clerk's documentation, "Session tokens").
const NEWCOMER_FOR: Duration = Duration::from_secs(60);

/// What is expected of the next user. Being wrong costs a statement that reads a little more slowly, or one more of them.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    /// Newcomers come one after another when an application with many users at Clerk begins to keep rows.
    last_was_new: AtomicBool,
}

impl Newcomers {
    pub(super) fn expects<U: SyncedUser>(&self, observation: &Observation<'_, U>, session: &Session) -> bool {
        has_just_signed_up::<U>(observation, session) || self.last_was_new.load(Ordering::Relaxed)
    }

    /// How a user's row was found.
    pub(super) fn saw(&self, outcome: SyncOutcome) {
        self.last_was_new
            .store(outcome == SyncOutcome::Inserted, Ordering::Relaxed);
    }
}

/// Whether the token was minted soon after the user's last change, which is their creation then. Others have changed
/// something, and their row is there.
fn has_just_signed_up<U: SyncedUser>(observation: &Observation<'_, U>, session: &Session) -> bool {
    let changed_at = Timestamp::from_milliseconds(observation.version.milliseconds());
    matches!(U::VERSION, VersionSource::UpdatedAt { .. })
        && session.issued_at().since(changed_at) < NEWCOMER_FOR
}
