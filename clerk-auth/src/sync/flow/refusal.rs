//! Permanent refusals of a row by a unique index: logs and records them, and decides when to write again.

use std::time::Duration;

use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::local::refusals::Refused;
use crate::sync::model::logged_row::{LoggedRow, log_row};
use crate::sync::model::observation::Observation;
use crate::sync::store::interface::ViolatedIndex;

/// The time for which a refused write is not retried while another row holds the value.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Like [`REMEMBERED`], if the holder cannot be found by the value alone, for example with an index on a part of the
/// value.
const REMEMBERED_UNSEEN: Duration = Duration::from_secs(5);

/// Records and logs that a row is refused. Nothing was written.
pub(super) fn refuse<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    index: ViolatedIndex,
    holders: Vec<String>,
) -> SyncError {
    let clerk_id = observation.clerk_id();
    let conflict = engine.conflict(&index.columns);
    let row = LoggedRow::new::<U>(clerk_id);
    log_row!(
        warn,
        row,
        holder = holders.join(", "),
        error = %conflict,
        "a unique index refuses {}; nothing was changed",
        U::KIND.row()
    );
    if !index.columns.is_empty() {
        let refused = Refused {
            version: observation.version,
            columns: index.columns,
            holders,
            at: engine.clerk.now(),
        };
        engine.refusals.0.insert(clerk_id.into(), refused);
    }
    conflict
}

/// Lists the other rows with the values of all these columns, as far as each value alone finds them.
pub(super) async fn holders<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    columns: &[usize],
) -> Result<Vec<String>, SyncError> {
    let mut holders: Option<Vec<String>> = None;
    for &column in columns {
        let found = engine.store.conflicting_users(observation, column).await?;
        match &mut holders {
            Some(holders) => holders.retain(|holder| found.contains(holder)),
            None => holders = Some(found),
        }
    }
    Ok(holders.unwrap_or_default())
}

/// Refuses a user without another write while the value is still taken. Drops the refusal if a write may succeed now.
pub(crate) async fn refuse_again<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
) -> Result<(), SyncError> {
    let clerk_id = observation.clerk_id();
    let Some(refused) = engine.refusals.0.get(clerk_id) else {
        return Ok(());
    };
    let now = engine.clerk.now();
    let is_within = |limit| now >= refused.at && now.since(refused.at) < limit;
    let is_taken = if refused.holders.is_empty() {
        refused.version == observation.version && is_within(REMEMBERED_UNSEEN)
    } else {
        is_within(REMEMBERED) && {
            let holders = holders(engine, observation, &refused.columns).await?;
            holders.iter().any(|holder| refused.holders.contains(holder))
        }
    };
    if is_taken {
        return Err(engine.conflict(&refused.columns));
    }
    engine.refusals.0.remove(clerk_id);
    Ok(())
}

impl<U: SyncedRow> Engine<U> {
    fn conflict(&self, columns: &[usize]) -> SyncError {
        SyncError::Conflict(columns.iter().map(|&column| self.column(column)).collect())
    }
}
