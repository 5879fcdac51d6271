//! How one observation of a user becomes a row.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

#[cfg(feature = "backend-api")]
use crate::claim::ClaimProblem;
use crate::session::Session;
use crate::sync::error::SyncError;
use crate::sync::handle::{Inner, Synced};
use crate::sync::local::breaker::{PROBE_INTERVAL, PROBE_TIMEOUT};
use crate::sync::local::read_batches::Counted;
use crate::sync::local::row_cache::{FreshRow, Reading};
use crate::sync::model::observation::Observation;
use crate::sync::model::plan::{Plan, SyncOutcome, plan};
use crate::sync::store::interface::{Looked, Stored, WriteError, Written};
use crate::sync::unwind::caught;
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::user::SyncedUser;

impl<U: SyncedUser> Inner<U> {
    /// The row of a session's user.
    pub(crate) async fn row(
        self: &Arc<Self>,
        session: &Session,
        now: Timestamp,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        if session.issuer() != self.clerk.issuer() {
            return Err(SyncError::OtherInstance {
                session: session.issuer().into(),
                rows: self.clerk.issuer().into(),
            });
        }
        if self.clerk.denied_user(session.sub(), now) == Some(Refusal::UserDeleted) {
            return Err(self.gone(session.sub()).await);
        }
        let kept = self.fresh.get(session.user_id().as_str(), now);
        if let Some(row) = &kept
            && row.session.is(session)
        {
            return Ok(cached(&row.stored));
        }
        // In an allocation of its own, which a warm request does not make: it has room for everything that can happen, and
        // would be part of each handler's future otherwise.
        Box::pin(caught(self.observe(session, kept))).await?
    }

    async fn observe(
        self: &Arc<Self>,
        session: &Session,
        kept: Option<Arc<FreshRow<U>>>,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let observation = match Observation::of_session(session) {
            Ok(observation) => observation,
            #[cfg(feature = "backend-api")]
            Err(claims) if self.fallback.is_some() && claims.are(&ClaimProblem::Absent) => {
                return self.without_claims(session, claims, self.clerk.now()).await;
            }
            Err(claims) => return Err(claims.into()),
        };
        if let Some(row) = &kept
            && (plan(Some(&row.stored), &observation.claims, observation.version) == Plan::Serve
                || self.store.normalized().knows(&observation, &row.stored))
        {
            self.keep(Some(session), &row.stored, row.read);
            return Ok(cached(&row.stored));
        }
        self.ask(|counted| self.settle(&observation, Some(session), counted))
            .await
    }

    /// Asks the database unless it has not been answering.
    pub(crate) async fn ask<T, F>(self: &Arc<Self>, work: impl FnOnce(Counted) -> F) -> Result<T, SyncError>
    where
        F: Future<Output = Result<T, SyncError>>,
    {
        if self.breaker.is_open() {
            return Err(SyncError::Unavailable);
        }
        let counted = Counted::default();
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

    pub(crate) async fn settle(
        &self,
        observation: &Observation<'_, U>,
        session: Option<&Session>,
        counted: Counted,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = observation.source.subject();
        let version = observation.version;
        let mut raised_from = None;
        let mut newcomer = session.is_some_and(|session| self.newcomers.expects(observation, session));
        loop {
            let ended = self.writers.ended(clerk_id);
            let turn = if std::mem::take(&mut newcomer) {
                self.writers.turn(clerk_id, ended)
            } else {
                None
            };
            let found = match turn {
                Some(_) => self.look_or_insert(observation).await?,
                None => None,
            };
            let (looked, read) = match found {
                Some((written, read)) if written.inserted => {
                    self.store.normalized().note(observation, &written.stored);
                    return Ok(self.serve(session, written.stored, read, SyncOutcome::Inserted));
                }
                Some((written, read)) => (Looked::Row(written.stored), read),
                None => {
                    let reading = self.fresh.reading(clerk_id, self.clerk.now());
                    let looked = self.reads.look(clerk_id, &counted).await;
                    (looked.map_err(SyncError::Database)?, Some(reading))
                }
            };
            let stored = looked.row();
            let plan = plan(stored, &observation.claims, version);
            match (plan, stored) {
                (Plan::Gone, _) => return Err(self.gone(clerk_id).await),
                (Plan::Serve, Some(stored)) => {
                    return Ok(self.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
                }
                (Plan::Write | Plan::RaiseVersion, Some(stored))
                    if self.store.normalized().knows(observation, stored) =>
                {
                    return Ok(self.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
                }
                (Plan::Write, Some(stored)) => {
                    if self.goes_without(observation, stored).await? {
                        return Ok(self.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
                    }
                }
                (Plan::Write | Plan::Serve | Plan::RaiseVersion, _) => {}
            }
            if plan == Plan::Write && self.refusals.contains(clerk_id) {
                // It may hold the pool's only connection.
                drop(looked);
                self.refuse_again(observation).await?;
                continue;
            }
            let Some(_turn) = turn.or_else(|| self.writers.turn(clerk_id, ended)) else {
                // Whoever has it may be waiting for the connection.
                drop(looked);
                self.writers.others(clerk_id).await;
                // They may have written what we would.
                continue;
            };
            if plan == Plan::RaiseVersion {
                let before = stored.map(|stored| stored.version);
                if let Some(stored) = stored
                    && raised_from == before
                {
                    // A trigger keeps the row as it was.
                    self.store.normalized().note(observation, stored);
                    return Ok(self.serve(session, stored.clone(), read, SyncOutcome::Unchanged));
                }
                raised_from = before;
                self.store.raise_version(clerk_id, version).await?;
                // Claims of the version that was read may have been replaced by others of the same meanwhile. From now on
                // they cannot be, so another look tells whether these are the right ones.
                continue;
            }
            return self.write(observation, session, looked).await;
        }
    }

    /// The row by one statement, which inserts it if there is none; `None` if a look has to tell.
    async fn look_or_insert(
        &self,
        observation: &Observation<'_, U>,
    ) -> Result<Option<(Written<U>, Option<Reading>)>, SyncError> {
        let Observation {
            source,
            claims,
            version,
        } = observation;
        let clerk_id = source.subject();
        let Some(looking) = self.store.look_or_insert(clerk_id, claims, *version) else {
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
        let Observation {
            source,
            claims,
            version,
        } = observation;
        let clerk_id = source.subject();
        let writing = self.fresh.writing(clerk_id, self.clerk.now());
        let kept = looked.row().cloned();
        let written = match looked {
            Looked::Nothing(Some(place)) => place.fill(clerk_id, claims, *version).await,
            _ => self.store.write(clerk_id, claims, *version).await,
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
            Err(WriteError::Taken(error)) => self.write_taken(observation, error).await?,
            Err(error) => return Err(error.into()),
        };
        let outcome = match (inserted, stored.version > *version) {
            _ if stored.deleted => return Err(self.gone(clerk_id).await),
            (true, _) => SyncOutcome::Inserted,
            (false, false) if is_changed => SyncOutcome::Updated,
            // A trigger keeps the row as it was.
            (false, false) => SyncOutcome::Unchanged,
            // Somebody wrote newer claims between the read and the upsert, which therefore changed nothing.
            (false, true) => SyncOutcome::Unchanged,
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
        let stored = self.store.read(observation.source.subject()).await?;
        Ok(match stored {
            Some(stored) => Written { stored, ..written },
            None => written,
        })
    }

    pub(crate) fn serve(
        &self,
        session: Option<&Session>,
        stored: Stored<U>,
        read: Option<Reading>,
        outcome: SyncOutcome,
    ) -> Synced<Arc<U>> {
        if session.is_some() {
            self.newcomers.saw(outcome);
        }
        if let Some(read) = read {
            self.keep(session, &stored, read);
        }
        Synced {
            user: stored.user,
            outcome,
        }
    }

    /// Keeps a row for the session's next request. What nobody asked for is not kept.
    fn keep(&self, session: Option<&Session>, stored: &Stored<U>, read: Reading) {
        if let Some(session) = session
            && self.fresh.keeps()
        {
            let row = FreshRow {
                stored: stored.clone(),
                session: session.clone(),
                read,
            };
            self.fresh.put(session.user_id().as_str(), row);
        }
    }

    /// A row for one request alone: for structs that are not `Clone`.
    pub(crate) async fn own(&self, clerk_id: &str) -> Result<U, SyncError> {
        let stored = self
            .within(async { Ok(self.store.read(clerk_id).await?) })
            .await?;
        match stored {
            Some(stored) if !stored.deleted => Arc::try_unwrap(stored.user).map_err(|_| SyncError::Gone),
            _ => Err(SyncError::Gone),
        }
    }

    pub(crate) async fn announce(&self, clerk_id: &str) {
        let announced = self
            .within(async { Ok(self.store.announce(clerk_id).await?) })
            .await;
        if let Err(error) = announced {
            tracing::warn!(user = U::NAME, %error, "other processes serve a row until its time is over");
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
        // It takes long. A read of no row tells whether that is the database's fault or this row's alone; all who ask this
        // share one statement.
        let answer = async { self.reads.look("", &Counted::default()).await.is_ok() };
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

    /// Asks the database, one question at a time, until it answers.
    fn probe(self: &Arc<Self>) {
        tracing::error!(
            user = U::NAME,
            "the database does not answer; requests fail fast until it does"
        );
        let inner = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PROBE_INTERVAL).await;
                let Some(inner) = inner.upgrade() else {
                    return;
                };
                let answer = tokio::time::timeout(PROBE_TIMEOUT, inner.store.read("")).await;
                if answer.is_ok_and(|read| read.is_ok()) {
                    inner.breaker.close();
                    tracing::info!(user = U::NAME, "the database answers again");
                    return;
                }
            }
        });
    }
}

fn cached<U>(stored: &Stored<U>) -> Synced<Arc<U>> {
    Synced {
        user: Arc::clone(&stored.user),
        outcome: SyncOutcome::Cached,
    }
}
