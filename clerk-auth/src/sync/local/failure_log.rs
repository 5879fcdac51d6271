//! Logs sync failures; a recurring one at most once a minute.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::claim::UnreadableClaims;
use crate::row::{RowKind, SyncedRow};
use crate::schema::is_lost_statement;
use crate::sync::error::SyncError;
use crate::sync::failure::Failure;
use crate::sync::model::logged_row::{LoggedRow, log_row};
use crate::sync::store::sqlstate::{Details, details};
use crate::sync::unwind::caught_now;
use crate::template::{on_one_line, patch_command_of};
use crate::time::Timestamp;

/// The interval between log lines of a recurring failure, in milliseconds.
const INTERVAL: i64 = 60_000;

/// The times at which the claims and the conflicts of a struct were last logged.
#[derive(Debug)]
pub(crate) struct FailureLog {
    claims: AtomicI64,
    conflict: AtomicI64,
}

impl Default for FailureLog {
    fn default() -> Self {
        Self {
            claims: AtomicI64::new(i64::MIN),
            conflict: AtomicI64::new(i64::MIN),
        }
    }
}

impl FailureLog {
    /// Logs the reason why a user or an organization has no row. Log lines never contain a value. The database's text
    /// may contain one, so a refusal of data is logged by the names in the error.
    pub(crate) fn failure<U: SyncedRow>(&self, clerk_id: &str, error: &SyncError, now: Timestamp) {
        // The `Display` of an application's error may panic.
        if caught_now(|| self.log_failure::<U>(clerk_id, error, now)).is_err() {
            let row = LoggedRow::new::<U>(clerk_id);
            log_row!(
                error,
                row,
                reason = error.failure::<U>().outcome(),
                "an error of the application's panicked as it was logged"
            );
        }
    }

    fn log_failure<U: SyncedRow>(&self, clerk_id: &str, error: &SyncError, now: Timestamp) {
        let row = LoggedRow::new::<U>(clerk_id);
        let (noun, its_row) = (U::KIND.noun(), U::KIND.row());
        match error.failure::<U>() {
            Failure::UserDeleted => log_row!(info, row, "refused a token of a deleted {noun}"),
            Failure::TokenIncomplete => {
                if let SyncError::Claims(claims) = error
                    && is_due(&self.claims, now)
                {
                    log_incomplete_token::<U>(clerk_id, claims);
                }
            }
            Failure::ClaimInvalid => log_row!(
                error,
                row,
                problem = %error,
                "the struct cannot hold a claim of this {noun}, so that the {noun} has no row until the claim is another in \
                 Clerk, or the field's type is; the template is not the reason"
            ),
            Failure::Conflict => {
                if is_due(&self.conflict, now) {
                    log_row!(
                        error,
                        row,
                        %error,
                        "a unique index keeps {} from having a row",
                        match U::KIND {
                            RowKind::User => "a signed-in user",
                            RowKind::Organization => "an active organization",
                            RowKind::Membership => "a member",
                        }
                    );
                }
            }
            Failure::LinkConflict => {
                let holder = match error {
                    SyncError::LinkConflict { holder } => holder.as_deref(),
                    _ => None,
                };
                log_row!(
                    error,
                    row,
                    holder,
                    "the row with a user's key belongs to another user or is deleted; the row is as it was, and the user has \
                     none. Correct the key of one of the two users in Clerk"
                );
            }
            Failure::OtherInstance => {
                log_row!(
                error,
                row,
                %error,
                "the application's state mixes two Clerk instances"
                );
            }
            // The failures that led to it have been logged.
            Failure::NotAsked => log_row!(debug, row, "the database was not asked"),
            Failure::DataRefused => {
                let names = names(error);
                log_row!(
                    error,
                    row,
                    code = names.code.as_deref(),
                    table = names.table.as_deref(),
                    constraint = names.constraint.as_deref(),
                    column = names.column.as_deref(),
                    "the database refuses the {noun}'s data; the row is as it was. Change the data in Clerk, or the \
                     constraint, trigger or length in the table"
                );
            }
            Failure::RowUnreadable => log_row!(
                error,
                row,
                column = names(error).column.as_deref(),
                "the struct cannot hold the {noun}'s row: a column has a value or a type that the field does not take"
            ),
            Failure::StatementRefused => self.statement_refused::<U>(clerk_id, error),
            Failure::ReadOnly => log_row!(
                error,
                row,
                %error,
                "the server accepts no writes: it is a standby, or its sessions are read-only"
            ),
            Failure::ReferenceMissing => log_row!(
                warn,
                row,
                "a membership has no row yet, because its user or its organization has none; the delivery is repeated"
            ),
            Failure::Busy => log_row!(
                warn,
                row,
                %error,
                "another transaction blocks {its_row}; the database answers otherwise"
            ),
            Failure::OnInsert
            | Failure::OnLink
            | Failure::OnDelete
            | Failure::OnEvent
            | Failure::Outage
            | Failure::Timeout
            | Failure::Panic
            | Failure::Bug => {
                log_row!(
                error,
                row,
                %error,
                "the {noun}'s row could not be synced"
                );
            }
        }
    }

    fn statement_refused<U: SyncedRow>(&self, clerk_id: &str, error: &SyncError) {
        let row = LoggedRow::new::<U>(clerk_id);
        let noun = U::KIND.noun();
        match error {
            SyncError::Database(source) if is_lost_statement(source) => log_row!(
                error,
                row,
                %error,
                "a prepared statement is missing from the server session; if the connections go through a pooler in \
                 transaction mode, call `transaction_pooling()` on the builder"
            ),
            error => log_row!(
                error,
                row,
                %error,
                "the database refuses a statement for every {noun}: look for a missing table or column, a privilege, a \
                 policy. `clerk_auth::schema::diff` compares the table with the struct"
            ),
        }
    }
}

fn log_incomplete_token<U: SyncedRow>(clerk_id: &str, claims: &UnreadableClaims) {
    let row = LoggedRow::new::<U>(clerk_id);
    let absent: Vec<&str> = claims.absent().collect();
    log_row!(
        error,
        row,
        problem = %claims,
        absent = absent.join(", "),
        template = %on_one_line::<U>(),
        command = %patch_command_of::<U>(),
        "the session token does not have the claims of the template; paste the template into Clerk's dashboard \
         (Sessions, Customize session token), or run the command"
    );
}

/// Returns the names in an error of the database.
fn names(error: &SyncError) -> Details {
    match error {
        SyncError::Database(error) => details(error),
        _ => Details::default(),
    }
}

fn is_due(last: &AtomicI64, now: Timestamp) -> bool {
    let now = now.as_millis();
    let previous = last.load(Ordering::Relaxed);
    // A clock set back must not silence the log.
    let is_due = now < previous || now.saturating_sub(previous) >= INTERVAL;
    is_due
        && last
            .compare_exchange(previous, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}
