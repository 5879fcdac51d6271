//! The states of rows relative to Clerk's data, for an import's writes and a verification's report.

use std::collections::{HashMap, HashSet};

use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::failure::Failure;
use crate::sync::flow::conflict;
use crate::sync::model::observation::Observation;
use crate::sync::model::plan::{Plan, plan};
use crate::sync::model::row::StoredRow;
use crate::sync::offline::retry::at_most;
use crate::sync::unwind::caught_now;

/// The state of a user's row relative to Clerk's data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RowState {
    /// There is no row.
    Missing,
    /// The row differs, and is not newer.
    Stale,
    /// The row differs at the same version: the database normalizes a value, or another program has changed the row.
    Different,
    /// The row is equal at an older version.
    VersionBehind,
    /// The row is equal, except for unique values that newer rows hold, or newer.
    Current,
    /// The row is a tombstone.
    Deleted,
    /// The row cannot be read as the struct.
    Unreadable,
}

/// Returns the states of the users' rows, in their order.
pub(super) async fn row_states<U: SyncedRow>(
    engine: &Engine<U>,
    observations: &[Observation<'_, U>],
) -> Result<Vec<RowState>, SyncError> {
    let clerk_ids: Vec<&str> = observations.iter().map(Observation::clerk_id).collect();
    let mut unreadable = HashSet::new();
    let rows = match engine.rows(&clerk_ids).await {
        // An unreadable row must not prevent the reads of the others.
        Err(error) if is_of_reading(error.failure::<U>()) => {
            let mut rows = Vec::with_capacity(clerk_ids.len());
            for clerk_id in clerk_ids {
                match engine.rows(&[clerk_id]).await {
                    Ok(row) => rows.extend(row),
                    Err(error) if is_of_reading(error.failure::<U>()) => {
                        unreadable.insert(clerk_id);
                    }
                    Err(error) => return Err(error),
                }
            }
            rows
        }
        rows => rows?,
    };
    let rows: HashMap<_, _> = rows.into_iter().collect();
    let mut row_states = Vec::with_capacity(observations.len());
    for it in observations {
        if unreadable.contains(it.clerk_id()) {
            row_states.push(RowState::Unreadable);
            continue;
        }
        let stored = rows.get(it.clerk_id());
        let Ok(planned) = caught_now(|| plan(stored, it)) else {
            row_states.push(RowState::Unreadable);
            continue;
        };
        row_states.push(match (planned, stored) {
            (Plan::Write, None) => RowState::Missing,
            (Plan::Write | Plan::RaiseVersion, Some(stored))
                if engine.store.normalized().knows(it, stored) =>
            {
                RowState::Current
            }
            (Plan::Write, Some(stored)) if stored.version == it.version => {
                match at_most(conflict::goes_without(engine, it, stored)).await? {
                    true => RowState::Current,
                    false => RowState::Different,
                }
            }
            (Plan::Write, Some(stored)) => match at_most(conflict::goes_without(engine, it, stored)).await? {
                true => RowState::Current,
                false => RowState::Stale,
            },
            (Plan::RaiseVersion, _) => RowState::VersionBehind,
            (Plan::Serve, _) => RowState::Current,
            (Plan::UserDeleted, _) => RowState::Deleted,
        });
    }
    Ok(row_states)
}

impl<U: SyncedRow> Engine<U> {
    async fn rows(&self, clerk_ids: &[&str]) -> Result<Vec<(String, StoredRow<U>)>, SyncError> {
        at_most(async { Ok(self.store.read_many(clerk_ids).await?) }).await
    }
}

/// Returns whether a row that cannot be read caused the failure.
fn is_of_reading(failure: Failure) -> bool {
    matches!(failure, Failure::RowUnreadable | Failure::Panic)
}
