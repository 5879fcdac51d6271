//! A request: the row of a session's user or organization, from memory or from the database.

use std::marker::PhantomData;
use std::sync::Arc;

use ::metrics::Label;

#[cfg(feature = "backend-api")]
use super::backend_api;
use super::{delete, reconcile};
#[cfg(feature = "backend-api")]
use crate::claim::ClaimProblem;
use crate::metrics;
use crate::row::{RowKind, SyncedRow};
use crate::session::Session;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::local::change_log::{self, Source};
use crate::sync::local::row_cache::CachedRow;
use crate::sync::model::observation::{Observation, clerk_id};
use crate::sync::model::outcome::{SyncOutcome, Synced};
use crate::sync::model::plan::{Plan, plan};
use crate::sync::model::row::StoredRow;
use crate::sync::unwind::{caught, caught_now};
use crate::time::Timestamp;
use crate::token::Refusal;

/// Returns the row of a session's user or organization with this id.
pub(crate) async fn row<U: SyncedRow>(
    engine: &Arc<Engine<U>>,
    session: &Session,
    clerk_id: &str,
    now: Timestamp,
) -> Result<Synced<Arc<U>>, SyncError> {
    admit(engine, session, clerk_id, now).await?;
    let kept = engine.row_cache.get(clerk_id, now);
    if let Some(row) = of_this_session(kept.as_deref(), session) {
        return Ok(row);
    }
    // Boxed, because the future has room for every possible step, and would otherwise be part of each handler's future.
    // A warm request does not get here.
    Box::pin(caught(engine.observe(session, clerk_id, kept))).await?
}

/// Refuses a session of another Clerk instance, or of a user who is known to be deleted.
pub(super) async fn admit<U: SyncedRow>(
    engine: &Engine<U>,
    session: &Session,
    clerk_id: &str,
    now: Timestamp,
) -> Result<(), SyncError> {
    if session.issuer() != engine.clerk.issuer() {
        return Err(SyncError::OtherInstance {
            session: session.issuer().into(),
            rows: engine.clerk.issuer().into(),
        });
    }
    if U::KIND == RowKind::User && engine.clerk.denied_user(clerk_id, now) == Some(Refusal::UserDeleted) {
        return Err(delete::deleted(engine, clerk_id).await);
    }
    Ok(())
}

/// Returns the cached row if it was last compared with the claims of this session.
pub(super) fn of_this_session<U>(kept: Option<&CachedRow<U>>, session: &Session) -> Option<Synced<Arc<U>>> {
    let kept = kept.filter(|kept| kept.session.ptr_eq(session))?;
    Some(cached(&kept.stored))
}

/// Logs and counts the outcome of a request.
pub(crate) fn record<U: SyncedRow>(
    engine: &Engine<U>,
    clerk_id: &str,
    synced: &Result<Synced<Arc<U>>, SyncError>,
) {
    match synced {
        Ok(synced) => {
            change_log::synced::<U>(clerk_id, synced.outcome, Source::Request);
            match synced.outcome {
                SyncOutcome::Cached => metrics::user_synced_as(Cached::<U>::LABELS),
                outcome => metrics::user_synced(U::NAME, U::TABLE, outcome.as_str()),
            }
        }
        Err(error) => record_failure(engine, clerk_id, error),
    }
}

/// The outcome of every warm request.
struct Cached<U>(PhantomData<U>);

impl<U: SyncedRow> Cached<U> {
    const LABELS: &'static [Label] =
        &metrics::labels_of_sync(U::NAME, U::TABLE, SyncOutcome::Cached.as_str());
}

/// Logs and counts the failure of a request.
pub(super) fn record_failure<U: SyncedRow>(engine: &Engine<U>, clerk_id: &str, error: &SyncError) {
    log_failure(engine, clerk_id, error);
    metrics::user_synced(U::NAME, U::TABLE, error.failure::<U>().outcome());
}

/// Returns a shared row by value: the row itself if no other request shares it, or a clone. For a struct that is not
/// `Clone`, reads a row for this request.
pub(crate) async fn by_value<U: SyncedRow>(
    engine: &Engine<U>,
    session: &Session,
    row: Arc<U>,
) -> Result<U, SyncError> {
    let shared = match Arc::try_unwrap(row) {
        Ok(row) => return Ok(row),
        Err(shared) => shared,
    };
    match caught_now(|| shared.try_clone()) {
        Ok(Some(row)) => Ok(row),
        not_copied => {
            // Not computed earlier, because the key of a membership allocates.
            let clerk_id = clerk_id::<U>(session).unwrap_or_default();
            let row = match not_copied {
                Ok(_) => Box::pin(caught(read(engine, &clerk_id)))
                    .await
                    .unwrap_or_else(|panicked| Err(panicked.into())),
                Err(panicked) => Err(panicked.into()),
            };
            row.map_err(|error| {
                log_failure(engine, &clerk_id, &error);
                error.of::<U>()
            })
        }
    }
}

async fn read<U: SyncedRow>(engine: &Engine<U>, clerk_id: &str) -> Result<U, SyncError> {
    let stored = engine
        .within(async { Ok(engine.store.read(clerk_id).await?) })
        .await?;
    match stored {
        Some(stored) if !stored.deleted => Arc::try_unwrap(stored.user).map_err(|_| SyncError::UserDeleted),
        _ => Err(SyncError::UserDeleted),
    }
}

fn log_failure<U: SyncedRow>(engine: &Engine<U>, clerk_id: &str, error: &SyncError) {
    let now = engine.clerk.now();
    engine.failure_log.failure::<U>(clerk_id, error, now);
}

/// Returns whether a row needs no write for these claims.
pub(super) fn matches<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    stored: &StoredRow<U>,
) -> bool {
    plan(Some(stored), observation) == Plan::Serve || engine.store.normalized().knows(observation, stored)
}

impl<U: SyncedRow> Engine<U> {
    async fn observe(
        self: &Arc<Self>,
        session: &Session,
        clerk_id: &str,
        kept: Option<Arc<CachedRow<U>>>,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let observation = match Observation::from_session(session, clerk_id) {
            Ok(observation) => observation,
            #[cfg(feature = "backend-api")]
            Err(claims) if self.lookup.is_some() && claims.all(&ClaimProblem::Absent) => {
                return backend_api::without_claims(self, session, claims, self.clerk.now()).await;
            }
            Err(claims) => return Err(claims.into()),
        };
        if let Some(row) = kept
            && matches(self, &observation, &row.stored)
        {
            self.keep(Some(session), clerk_id, &row.stored, row.read);
            return Ok(cached(&row.stored));
        }
        self.ask(|counted| reconcile::reconcile(self, &observation, Some(session), counted))
            .await
    }
}

fn cached<U>(stored: &StoredRow<U>) -> Synced<Arc<U>> {
    Synced {
        user: Arc::clone(&stored.user),
        outcome: SyncOutcome::Cached,
    }
}
