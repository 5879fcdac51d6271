//! How one observation of a user becomes a row.

use std::sync::Arc;

use super::conflict;
use super::delete;
use crate::session::Session;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::local::read_batches::Counted;
use crate::sync::local::row_cache::Reading;
use crate::sync::model::outcome::Applied;
use crate::sync::model::observation::Observation;
use crate::sync::model::outcome::{SyncOutcome, Synced};
use crate::sync::model::plan::{Plan, plan};
use crate::sync::model::row::Written;
use crate::sync::store::error::WriteError;
use crate::sync::store::interface::Looked;
use crate::user::SyncedUser;

pub(crate) async fn settle<U: SyncedUser>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    session: Option<&Session>,
    counted: Counted,
) -> Result<Synced<Arc<U>>, SyncError> {
    let clerk_id = observation.clerk_id();
    let version = observation.version;
    let mut raised_from = None;
    let mut newcomer = session.is_some_and(|session| engine.newcomers.expects(observation, session));
    loop {
        let ended = engine.writers.ended(clerk_id);
        let turn = if std::mem::take(&mut newcomer) {
            engine.writers.turn(clerk_id, ended)
        } else {
            None
        };
        let found = match turn {
            Some(_) => engine.look_or_insert(observation).await?,
            None => None,
        };
        let (looked, read) = match found {
            Some((written, read)) if written.inserted => {
                engine.store.normalized().note(observation, &written.stored);
                return Ok(engine.serve(session, written.stored, read, SyncOutcome::Inserted));
            }
            Some((written, read)) => (Looked::Row(written.stored), read),
            None => {
                let reading = engine.fresh.reading(clerk_id, engine.clerk.now());
                let looked = engine.reads.look(clerk_id, &counted).await;
                (looked.map_err(SyncError::Database)?, Some(reading))
            }
        };
        let stored = looked.row();
        let plan = plan(stored, observation);
        match (plan, stored) {
            (Plan::Gone, _) => return Err(delete::gone(engine, clerk_id).await),
            (Plan::Serve, Some(stored)) => {
                return Ok(engine.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
            }
            (Plan::Write | Plan::RaiseVersion, Some(stored))
                if engine.store.normalized().knows(observation, stored) =>
            {
                return Ok(engine.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
            }
            (Plan::Write, Some(stored)) => {
                if conflict::goes_without(engine, observation, stored).await? {
                    return Ok(engine.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
                }
            }
            (Plan::Write | Plan::Serve | Plan::RaiseVersion, _) => {}
        }
        if plan == Plan::Write && engine.refusals.contains(clerk_id) {
            // It may hold the pool's only connection.
            drop(looked);
            conflict::refuse_again(engine, observation).await?;
            continue;
        }
        let Some(_turn) = turn.or_else(|| engine.writers.turn(clerk_id, ended)) else {
            // Whoever has it may be waiting for the connection.
            drop(looked);
            engine.writers.others(clerk_id).await;
            // They may have written what we would.
            continue;
        };
        if plan == Plan::RaiseVersion {
            let before = stored.map(|stored| stored.version);
            if let Some(stored) = stored
                && raised_from == before
            {
                // A trigger keeps the row as it was.
                engine.store.normalized().note(observation, stored);
                return Ok(engine.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
            }
            raised_from = before;
            engine.store.raise_version(clerk_id, version).await?;
            continue;
        }
        return engine.write(observation, session, looked).await;
    }
}

impl<U: SyncedUser> Engine<U> {
    /// The row by one statement, which inserts it if there is none; `None` if a look has to tell.
    async fn look_or_insert(
        &self,
        observation: &Observation<'_, U>,
    ) -> Result<Option<(Written<U>, Option<Reading>)>, SyncError> {
        let clerk_id = observation.clerk_id();
        let Some(looking) = self.store.look_or_insert(observation) else {
            return Ok(None);
        };
        let Some(_turn) = self.reads.turn(clerk_id) else {
            return Ok(None);
        };
        let writing = self.fresh.writing(clerk_id, self.clerk.now());
        Ok(looking.await?.map(|written| (written, writing.done())))
    }

    async fn write(
        &self,
        observation: &Observation<'_, U>,
        session: Option<&Session>,
        looked: Looked<'_, U>,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = observation.clerk_id();
        let writing = self.fresh.writing(clerk_id, self.clerk.now());
        let kept = looked.row().cloned();
        let written = match looked {
            Looked::Nothing(Some(place)) => place.fill(observation).await,
            _ => self.store.write(observation).await,
        };
        let written = match (written, kept) {
            // A trigger keeps the row as it was, and so the upsert returns none.
            (Err(WriteError::Database(sqlx::Error::RowNotFound)), Some(stored)) => Ok(Written {
                stored,
                inserted: false,
            }),
            (written, _) => written,
        };
        let mut is_changed = true;
        let Written { stored, inserted } = match written {
            Ok(written) => {
                let written = self.as_left_by_triggers(observation, written).await?;
                is_changed = self.store.normalized().note(observation, &written.stored) || written.inserted;
                written
            }
            Err(WriteError::Taken(error)) => conflict::write_taken(self, observation, error).await?,
            Err(error) => return Err(error.into()),
        };
        let is_newer = stored.version > observation.version;
        let applied = Applied::of_write(inserted, stored.deleted, is_newer, is_changed);
        let Some(outcome) = applied.for_request() else {
            return Err(delete::gone(self, clerk_id).await);
        };
        Ok(self.serve(session, stored, writing.done(), outcome))
    }

    /// The row as it is after a write that had been tried before: a trigger that runs afterwards may have changed it again.
    async fn as_left_by_triggers(
        &self,
        observation: &Observation<'_, U>,
        written: Written<U>,
    ) -> Result<Written<U>, SyncError> {
        if written.inserted || !self.store.normalized().was_written(observation) {
            return Ok(written);
        }
        let stored = self.store.read(observation.clerk_id()).await?;
        Ok(match stored {
            Some(stored) => Written { stored, ..written },
            None => written,
        })
    }
}
