//! The basis of every flow: the parts of a handle, and the rules of access to the database.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
#[cfg(feature = "postgres")]
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

#[cfg(feature = "backend-api")]
use super::backend::lookup::UserLookup;
use super::error::SyncError;
use super::followers::Followers;
use super::local::breaker::{Breaker, PROBE_INTERVAL, PROBE_TIMEOUT};
use super::local::denial_watch::DenialWatch;
use super::local::failure_log::FailureLog;
use super::local::read_batches::{CountsAsFailure, ReadBatcher};
#[cfg(feature = "postgres")]
use super::local::receivers::Receivers;
use super::local::refusals::Refusals;
use super::local::row_cache::{CachedRow, ReadStamp, RowCache};
use super::local::sign_up_predictor::SignUpPredictor;
use super::local::tasks::Tasks;
use super::local::write_locks::WriteLocks;
use super::model::barring::Barring;
use super::model::outcome::{SyncOutcome, Synced};
use super::model::row::StoredRow;
use super::store::interface::Store;
use crate::clerk::Clerk;
use crate::row::{ClaimColumn, SyncedRow};
use crate::session::Session;

pub(crate) struct Engine<U> {
    pub(super) clerk: Clerk,
    pub(super) store: Arc<dyn Store<U>>,
    pub(super) claim_columns: &'static [ClaimColumn],
    pub(super) reads: Arc<ReadBatcher<U>>,
    pub(super) sign_ups: SignUpPredictor,
    pub(super) row_cache: RowCache<U>,
    pub(super) breaker: Breaker,
    pub(super) failure_log: FailureLog,
    pub(super) timeout: Duration,
    pub(super) transaction_pooling: bool,
    pub(super) barring: Barring,
    pub(super) denials: Arc<DenialWatch>,
    pub(super) tasks: Tasks,
    pub(super) write_locks: WriteLocks,
    pub(super) refusals: Refusals,
    pub(super) followers: Followers,
    /// The handles that share the listener, if this handle listens.
    #[cfg(feature = "postgres")]
    pub(super) receivers: OnceLock<Arc<Receivers>>,
    #[cfg(feature = "backend-api")]
    pub(super) lookup: Option<UserLookup>,
}

impl<U: SyncedRow> Engine<U> {
    /// Runs work on the database, unless the circuit breaker is open.
    pub(crate) async fn ask<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(CountsAsFailure) -> F,
    ) -> Result<T, SyncError>
    where
        F: Future<Output = Result<T, SyncError>>,
    {
        if self.breaker.is_open() {
            return Err(SyncError::Unavailable);
        }
        let counted = CountsAsFailure::default();
        let done = self.within(work(counted.clone())).await;
        match &done {
            Err(error) if error.failure::<U>().is_outage() => {
                if counted.is_counted() && self.breaker.failed() {
                    self.probe();
                }
            }
            _ => self.breaker.succeeded(),
        }
        done
    }

    pub(crate) fn serve(
        &self,
        session: Option<&Session>,
        clerk_id: &str,
        stored: StoredRow<U>,
        read: Option<ReadStamp>,
        outcome: SyncOutcome,
    ) -> Synced<Arc<U>> {
        if session.is_some() {
            self.sign_ups.record(outcome);
        }
        if let Some(read) = read {
            self.keep(session, clerk_id, &stored, read);
        }
        Synced {
            user: stored.user,
            outcome,
        }
    }

    /// Caches a row for the session's next request. A row without a session is not cached.
    pub(crate) fn keep(
        &self,
        session: Option<&Session>,
        clerk_id: &str,
        stored: &StoredRow<U>,
        read: ReadStamp,
    ) {
        if let Some(session) = session
            && self.row_cache.is_enabled()
        {
            let row = CachedRow {
                stored: stored.clone(),
                session: session.clone(),
                read,
            };
            self.row_cache.put(clerk_id, row);
        }
    }

    pub(crate) async fn announce(&self, clerk_id: &str) {
        let announced = self
            .within(async { Ok(self.store.announce(clerk_id).await?) })
            .await;
        if let Err(error) = announced {
            tracing::warn!(table = U::TABLE, %error, "could not notify other processes; they may serve a stale row until it expires");
        }
    }

    pub(crate) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, SyncError>>,
    ) -> Result<T, SyncError> {
        let mut work = pin!(work);
        let soon = self.timeout / 2;
        if let Ok(done) = tokio::time::timeout(soon, work.as_mut()).await {
            return done;
        }
        // The work is slow. A read of an empty id shows whether the cause is the database or only this row. All such
        // reads share one statement.
        let answer = async { self.reads.find("", &CountsAsFailure::default()).await.is_ok() };
        let mut answer = pin!(answer);
        let mut answers = None;
        let both = poll_fn(|context| {
            if answers.is_none()
                && let Poll::Ready(answered) = answer.as_mut().poll(context)
            {
                answers = Some(answered);
            }
            work.as_mut().poll(context)
        });
        match tokio::time::timeout(self.timeout.saturating_sub(soon), both).await {
            Ok(done) => done,
            Err(_) if answers == Some(true) => Err(SyncError::Busy(self.timeout)),
            Err(_) => Err(SyncError::Timeout(self.timeout)),
        }
    }

    /// Probes the database, one query at a time, until it answers.
    fn probe(self: &Arc<Self>) {
        tracing::error!(
            table = U::TABLE,
            "the database does not answer; requests fail fast until it does"
        );
        let engine = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PROBE_INTERVAL).await;
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                let answer = tokio::time::timeout(PROBE_TIMEOUT, engine.store.read("")).await;
                if answer.is_ok_and(|read| read.is_ok()) {
                    engine.breaker.close();
                    tracing::info!(table = U::TABLE, "the database answers again");
                    return;
                }
            }
        });
    }

    pub(crate) fn column(&self, place: usize) -> &'static str {
        self.claim_columns.get(place).map_or("", |column| column.name)
    }
}
