//! Predicts whether a user has no row yet, so that one statement can check and insert.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::striped::Striped;
use crate::row::{SyncedRow, VersionSource};
use crate::session::Session;
use crate::sync::model::observation::Observation;
use crate::sync::model::outcome::SyncOutcome;
use crate::time::Timestamp;

/// The maximum time from a new user's last change to the reading of the claims: the lifetime of a session token. So the
/// token is the first or second of the session (Clerk's documentation, "Session tokens").
const NEWCOMER_FOR: Duration = Duration::from_secs(60);

/// The number of recorded predictions, in 32 KB. With hundreds of new users per minute, few are overwritten.
const REMEMBERED: usize = 4_096;

/// The state of the predictions. A wrong prediction costs a slightly slower read, or one more statement.
pub(crate) struct SignUpPredictor {
    /// True if the previous user was new. When an application with many Clerk users begins to keep rows, new users
    /// follow one another.
    last_was_new: AtomicBool,
    /// The hash of the last predicted user per entry.
    expected: Striped<AtomicU64>,
}

impl Default for SignUpPredictor {
    fn default() -> Self {
        Self {
            last_was_new: AtomicBool::new(false),
            expected: Striped::new(REMEMBERED),
        }
    }
}

impl SignUpPredictor {
    /// Predicts whether a user is new, at most once per user: afterwards they have a row, or the shortcut has failed
    /// for them.
    pub(crate) fn predicts_new<U: SyncedRow>(
        &self,
        observation: &Observation<'_, U>,
        session: &Session,
    ) -> bool {
        let is_likely =
            self.last_was_new.load(Ordering::Relaxed) || has_just_signed_up::<U>(observation, session);
        if !is_likely {
            return false;
        }
        let user = self.expected.hash(observation.clerk_id());
        self.expected.get_by_hash(user).swap(user, Ordering::Relaxed) != user
    }

    /// Records how a user's row was found.
    pub(crate) fn record(&self, outcome: SyncOutcome) {
        self.last_was_new
            .store(outcome == SyncOutcome::Inserted, Ordering::Relaxed);
    }
}

/// Returns whether the claims were read soon after the user's last change, which is then probably the sign-up. After a
/// later change, a row probably exists. A token of Clerk's edge is as old as the claims that it copies.
fn has_just_signed_up<U: SyncedRow>(observation: &Observation<'_, U>, session: &Session) -> bool {
    let changed_at = Timestamp::from_millis(observation.version.as_millis());
    matches!(U::VERSION, VersionSource::UpdatedAt { .. })
        && session.claims_read_at().since(changed_at) < NEWCOMER_FOR
}
