//! How the rows of Clerk's users are: what an import writes, and what a verification reports.

use std::collections::{HashMap, HashSet};

use super::retry::at_most;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::failure::Failure;
use crate::sync::flow::conflict;
use crate::sync::model::observation::Observation;
use crate::sync::model::plan::{Plan, plan};
use crate::sync::model::row::StoredRow;
use crate::sync::unwind::caught_now;
use crate::user::SyncedUser;

/// How a user's row stands to what Clerk says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RowState {
    /// There is none.
    Missing,
    /// It says something else, and is not newer.
    Stale,
    /// It says something else at the same version: the database normalizes it, or somebody has changed it.
    Different,
    /// It says the same at an older version.
    VersionBehind,
    /// It says the same, but for unique values that newer rows hold, or is newer.
    Current,
    /// It is a tombstone.
    Deleted,
    /// It cannot be read as the struct.
    Unreadable,
}

/// How the rows of the users stand, in their order.
pub(super) async fn row_states<U: SyncedUser>(
    engine: &Engine<U>,
    observations: &[Observation<'_, U>],
) -> Result<Vec<RowState>, SyncError> {
    let clerk_ids: Vec<&str> = observations.iter().map(Observation::clerk_id).collect();
    let mut unreadable = HashSet::new();
    let rows = match engine.rows(&clerk_ids).await {
        // A row that the struct cannot hold does not keep the others from being read.
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

impl<U: SyncedUser> Engine<U> {
    async fn rows(&self, clerk_ids: &[&str]) -> Result<Vec<(String, StoredRow<U>)>, SyncError> {
        at_most(async { Ok(self.store.read_many(clerk_ids).await?) }).await
    }
}

/// Whether one of the rows that were read is at fault.
fn is_of_reading(failure: Failure) -> bool {
    matches!(failure, Failure::RowUnreadable | Failure::Panic)
}
