//! Brings a row up to date with an observation.

use std::sync::Arc;

use super::{conflict, delete, refusal};
use crate::row::SyncedRow;
use crate::session::Session;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::local::read_batches::CountsAsFailure;
use crate::sync::local::row_cache::{ReadStamp, WriteTicket};
use crate::sync::local::write_locks::Generation;
use crate::sync::model::observation::Observation;
use crate::sync::model::outcome::{Applied, SyncOutcome, Synced};
use crate::sync::model::plan::{Plan, plan};
use crate::sync::model::row::{StoredRow, Upserted};
use crate::sync::store::error::WriteError;
use crate::sync::store::interface::Lookup;

/// The row that was read, if any, and the state before the read.
pub(super) struct EarlierRead<U> {
    stored: Option<StoredRow<U>>,
    before: BeforeRead,
}

impl<U> EarlierRead<U> {
    pub(super) const fn new(stored: Option<StoredRow<U>>, before: BeforeRead) -> Self {
        Self { stored, before }
    }
}

/// The state of a row in this process before it is read.
#[derive(Clone, Copy)]
pub(super) struct BeforeRead {
    pub(super) generation: Generation,
    stamp: ReadStamp,
}

impl BeforeRead {
    pub(super) fn new<U: SyncedRow>(engine: &Engine<U>, clerk_id: &str) -> Self {
        Self {
            generation: engine.write_locks.generation(clerk_id),
            stamp: engine.row_cache.stamp(clerk_id, engine.clerk.now()),
        }
    }
}

/// Returns the row of the observation. Writes the row first if it is out of date.
pub(crate) async fn reconcile<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    session: Option<&Session>,
    counted: CountsAsFailure,
) -> Result<Synced<Arc<U>>, SyncError> {
    reconcile_from(engine, observation, session, counted, None).await
}

/// Like [`reconcile`], with the result of an earlier read, if any.
pub(super) async fn reconcile_from<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    session: Option<&Session>,
    counted: CountsAsFailure,
    mut read: Option<EarlierRead<U>>,
) -> Result<Synced<Arc<U>>, SyncError> {
    let clerk_id = observation.clerk_id();
    let version = observation.version;
    let mut raised_from = None;
    let mut newcomer =
        read.is_none() && session.is_some_and(|session| engine.sign_ups.predicts_new(observation, session));
    loop {
        let earlier = read.take();
        let generation = match &earlier {
            Some(earlier) => earlier.before.generation,
            None => engine.write_locks.generation(clerk_id),
        };
        let guard = if std::mem::take(&mut newcomer) {
            engine.write_locks.try_lock(clerk_id, generation)
        } else {
            None
        };
        let found = match guard {
            Some(_) => engine.find_or_insert(observation).await?,
            None => None,
        };
        let (lookup, read) = match (found, earlier) {
            (Some((written, read)), _) if written.inserted => {
                engine.store.normalized().record(observation, &written.stored);
                return Ok(engine.serve(session, clerk_id, written.stored, read, SyncOutcome::Inserted));
            }
            (Some((written, read)), _) => (Lookup::Found(written.stored), read),
            (None, Some(EarlierRead { stored, before })) => (
                stored.map_or(Lookup::Missing(None), Lookup::Found),
                Some(before.stamp),
            ),
            (None, None) => {
                let stamp = engine.row_cache.stamp(clerk_id, engine.clerk.now());
                let lookup = engine.reads.find(clerk_id, &counted).await;
                (lookup.map_err(SyncError::Database)?, Some(stamp))
            }
        };
        let stored = lookup.row();
        let plan = plan(stored, observation);
        match (plan, stored) {
            (Plan::UserDeleted, _) => return Err(delete::deleted(engine, clerk_id).await),
            (Plan::Serve, Some(stored)) => {
                return Ok(engine.serve(session, clerk_id, stored.clone(), read, SyncOutcome::Unchanged));
            }
            (Plan::Write | Plan::RaiseVersion, Some(stored))
                if engine.store.normalized().knows(observation, stored) =>
            {
                return Ok(engine.serve(session, clerk_id, stored.clone(), read, SyncOutcome::Unchanged));
            }
            (Plan::Write, Some(stored)) => {
                if conflict::goes_without(engine, observation, stored).await? {
                    return Ok(engine.serve(session, clerk_id, stored.clone(), read, SyncOutcome::Unchanged));
                }
            }
            (Plan::Write | Plan::Serve | Plan::RaiseVersion, _) => {}
        }
        if plan == Plan::Write && engine.refusals.contains(clerk_id) {
            // Dropped first, because the lookup may hold the pool's only connection.
            drop(lookup);
            refusal::refuse_again(engine, observation).await?;
            continue;
        }
        let Some(_guard) = guard.or_else(|| engine.write_locks.try_lock(clerk_id, generation)) else {
            // Dropped first, because the holder of the lock may be waiting for the connection.
            drop(lookup);
            engine.write_locks.wait(clerk_id).await;
            // The other writer may have written the same values.
            continue;
        };
        if plan == Plan::RaiseVersion {
            let before = stored.map(|stored| stored.version);
            if let Some(stored) = stored
                && raised_from == before
            {
                // A trigger has kept the stored values.
                engine.store.normalized().record(observation, stored);
                return Ok(engine.serve(session, clerk_id, stored.clone(), read, SyncOutcome::Unchanged));
            }
            raised_from = before;
            engine.store.raise_version(clerk_id, version).await?;
            continue;
        }
        return engine.write(observation, session, lookup).await;
    }
}

/// Serves a row after its write.
pub(super) async fn serve_written<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    session: Option<&Session>,
    written: Upserted<U>,
    ticket: WriteTicket<'_>,
) -> Result<Synced<Arc<U>>, SyncError> {
    let written = engine.as_left_by_triggers(observation, written).await?;
    let is_changed = engine.store.normalized().record(observation, &written.stored) || written.inserted;
    engine
        .serve_changed(observation, session, written, is_changed, ticket)
        .await
}

impl<U: SyncedRow> Engine<U> {
    /// Reads the row, or inserts it, in one statement. Returns `None` if the caller must do a plain read.
    async fn find_or_insert(
        &self,
        observation: &Observation<'_, U>,
    ) -> Result<Option<(Upserted<U>, Option<ReadStamp>)>, SyncError> {
        let clerk_id = observation.clerk_id();
        let Some(found) = self.store.find_or_insert(observation) else {
            return Ok(None);
        };
        let Some(_guard) = self.reads.permit(clerk_id) else {
            return Ok(None);
        };
        let ticket = self.row_cache.begin_write(clerk_id, self.clerk.now());
        Ok(found.await?.map(|written| (written, ticket.done())))
    }

    async fn write(
        &self,
        observation: &Observation<'_, U>,
        session: Option<&Session>,
        lookup: Lookup<'_, U>,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = observation.clerk_id();
        let ticket = self.row_cache.begin_write(clerk_id, self.clerk.now());
        let kept = lookup.row().cloned();
        let written = match lookup {
            Lookup::Missing(Some(place)) => place.insert(observation).await,
            _ => self.store.write(observation).await,
        };
        let written = match (written, kept) {
            // A trigger skipped the update, so the upsert returned no row.
            (Err(WriteError::Database(sqlx::Error::RowNotFound)), Some(stored)) => Ok(Upserted {
                stored,
                inserted: false,
                linked: false,
            }),
            (written, _) => written,
        };
        match written {
            Ok(written) => serve_written(self, observation, session, written, ticket).await,
            Err(WriteError::UniqueViolation(error)) => {
                let written = conflict::resolve_conflict(self, observation, error).await?;
                self.serve_changed(observation, session, written, true, ticket)
                    .await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn serve_changed(
        &self,
        observation: &Observation<'_, U>,
        session: Option<&Session>,
        written: Upserted<U>,
        is_changed: bool,
        ticket: WriteTicket<'_>,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = observation.clerk_id();
        let applied = Applied::of_write(written.winner(), observation.version, is_changed);
        let Some(outcome) = applied.for_request() else {
            return Err(delete::deleted(self, clerk_id).await);
        };
        Ok(self.serve(session, clerk_id, written.stored, ticket.done(), outcome))
    }

    /// Returns the row after a repeated write. A trigger that ran after the write may have changed the row again.
    async fn as_left_by_triggers(
        &self,
        observation: &Observation<'_, U>,
        written: Upserted<U>,
    ) -> Result<Upserted<U>, SyncError> {
        if written.inserted || !self.store.normalized().was_written(observation) {
            return Ok(written);
        }
        let stored = self.store.read(observation.clerk_id()).await?;
        Ok(match stored {
            Some(stored) => Upserted { stored, ..written },
            None => written,
        })
    }
}
