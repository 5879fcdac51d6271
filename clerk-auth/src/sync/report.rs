//! Tells the operator what the caller must not hear; what every request would repeat, once a minute.

use std::sync::atomic::{AtomicI64, Ordering};

use super::error::SyncError;
use crate::schema::is_lost_statement;
use crate::time::Timestamp;
use crate::user::SyncedUser;

/// How often the same trouble is logged, in milliseconds: often enough to be found, seldom enough to be read.
const INTERVAL: i64 = 60_000;

/// When the claims and the conflicts of a struct were last reported.
#[derive(Debug)]
pub(super) struct Reports {
    claims: AtomicI64,
    conflict: AtomicI64,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            claims: AtomicI64::new(i64::MIN),
            conflict: AtomicI64::new(i64::MIN),
        }
    }
}

impl Reports {
    /// Logs why a session has no row.
    pub(super) fn failure<U: SyncedUser>(&self, error: &SyncError, now: Timestamp) {
        match error {
            SyncError::Gone => tracing::info!(user = U::NAME, "refused a token of a deleted user"),
            SyncError::Claims(claims) if is_due(&self.claims, now) => {
                let absent: Vec<&str> = claims.absent().collect();
                // On one line and without escapes, so that it can be pasted from the log.
                let template: String = U::SESSION_TOKEN_TEMPLATE.lines().map(str::trim).collect();
                tracing::error!(
                    user = U::NAME,
                    problem = %claims,
                    absent = absent.join(", "),
                    %template,
                    "the session token does not have the claims of the template; paste the template into Clerk's \
                     dashboard (Sessions, Customize session token)"
                );
            }
            SyncError::Conflict(_) if is_due(&self.conflict, now) => {
                tracing::error!(user = U::NAME, %error, "a unique index keeps a signed-in user from having a row");
            }
            SyncError::Claims(_) | SyncError::Conflict(_) => {}
            SyncError::OtherInstance { .. } => {
                tracing::error!(user = U::NAME, %error, "the application's state mixes two Clerk instances");
            }
            // The failures that led to it have been logged.
            SyncError::Unavailable => tracing::debug!(user = U::NAME, "the database was not asked"),
            SyncError::Database(source) if is_lost_statement(source) => {
                tracing::error!(
                    user = U::NAME,
                    %error,
                    "a prepared statement is not where it was left; if the database's connections go through a pooler in \
                     transaction mode, say `transaction_pooling(true)` to the builder"
                );
            }
            SyncError::OnInsert(_)
            | SyncError::OnDelete(_)
            | SyncError::OnEvent(_)
            | SyncError::Timeout(_)
            | SyncError::Database(_) => {
                tracing::error!(user = U::NAME, %error, "the user's row could not be synced");
            }
        }
    }
}

fn is_due(last: &AtomicI64, now: Timestamp) -> bool {
    let now = now.milliseconds();
    let previous = last.load(Ordering::Relaxed);
    // A clock set back must not silence the log.
    let is_due = now < previous || now.saturating_sub(previous) >= INTERVAL;
    is_due
        && last
            .compare_exchange(previous, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}
