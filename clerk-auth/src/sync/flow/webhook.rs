//! Applies what Clerk sends: first who is barred, then the row, in one transaction with what the application does for it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Type};

use crate::claim::ClaimProblem;
use crate::deny_list::{Denial, Kind, Subject};
use crate::metrics;
use crate::sync::error::{BoxError, SyncError};
use crate::sync::handle::{Inner, UserSync};
use crate::sync::local::read_batches::Counted;
use crate::sync::model::observation::{Observation, UserObject};
use crate::sync::model::plan::{Plan, SyncOutcome, plan};
use crate::sync::store::delete::Deletion;
use crate::sync::store::deliveries;
use crate::sync::store::dialect::Dialect;
use crate::sync::store::interface::{Store, StoreFuture, WriteError};
use crate::sync::store::retry::forget_if_stale;
use crate::sync::store::sql_store::{PoolStore, with_version};
use crate::sync::store::upsert::commit_error;
use crate::sync::unwind::caught;
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::user::{StoredIn, SyncedUser};
use crate::webhook::{Event, Webhook};

/// How long a delivery may take. Svix waits for 15 seconds; the application's hook is in it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a delivery does to a row.
pub(crate) enum Change<'a, U: SyncedUser> {
    /// It is about something else, or about somebody who can have no row.
    Nothing,
    /// These are the user's claims.
    Write(&'a Observation<'a, U>),
    /// The user was deleted.
    Delete(&'a str),
    /// The struct or the database refuses the user's claims.
    Refuse,
}

impl<U: SyncedUser> Clone for Change<'_, U> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<U: SyncedUser> Copy for Change<'_, U> {}

/// What a delivery came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Applied {
    /// It was about something else.
    Nothing,
    /// The row was created.
    Inserted,
    /// The row was changed.
    Updated,
    /// The row said so already.
    Unchanged,
    /// The row is newer.
    Stale,
    /// The row was deleted.
    Deleted,
    /// The user had been deleted.
    Gone,
    /// The struct or the database refuses the user's claims, so the row is as it was.
    Refused,
}

impl Applied {
    /// One lower-case word, as for a label of a metric.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Inserted => "inserted",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
            Self::Deleted => "deleted",
            Self::Gone => "gone",
            Self::Refused => "refused",
        }
    }
}

/// What the application does in the transaction that applies a delivery.
pub(crate) struct OnEvent<DB: Database> {
    pub(crate) hook: Arc<EventHook<DB>>,
    /// Not again for a delivery that comes again.
    pub(crate) once: bool,
}

pub(crate) type EventHook<DB> = dyn for<'a> Fn(&'a mut <DB as Database>::Connection, &'a Webhook) -> StoreFuture<'a, (), BoxError>
    + Send
    + Sync;

impl<U: SyncedUser> UserSync<U> {
    /// Applies a delivery whose signature was verified.
    pub(crate) async fn receive(&self, delivery: &Webhook) -> Result<(), SyncError> {
        let inner = &self.inner;
        let now = inner.clerk.now();
        let denial = inner.barring.of_delivery(delivery, now);
        // At once, and whatever becomes of the rest: the database may be down, and the user's claims may fit no row.
        if let Some(denial) = &denial
            && denial.refusal.is_some()
        {
            inner.clerk.deny(denial.clone());
        }
        let received = async {
            if inner.breaker.is_open() {
                return Err(SyncError::Unavailable);
            }
            tokio::time::timeout(TIMEOUT, inner.receive(delivery, denial.as_ref(), now))
                .await
                .unwrap_or(Err(SyncError::Timeout(TIMEOUT)))
        };
        let received = caught(received)
            .await
            .unwrap_or_else(|panicked| Err(panicked.into()));
        let outcome = match &received {
            Ok(applied) => applied.as_str(),
            Err(error) => {
                inner
                    .reports
                    .failure::<U>(subject(delivery), error, inner.clerk.now());
                error.failure::<U>().outcome()
            }
        };
        metrics::webhook_applied(U::NAME, outcome);
        received.map(drop)
    }
}

impl<U: SyncedUser> Inner<U> {
    async fn receive(
        &self,
        delivery: &Webhook,
        denial: Option<&Denial>,
        now: Timestamp,
    ) -> Result<Applied, SyncError> {
        let Some(denial) = denial else {
            return self.apply(delivery, now).await;
        };
        if denial.refusal.is_some() {
            self.bar(denial, now).await?;
            return self.apply(delivery, now).await;
        }
        let applied = self.apply(delivery, now).await;
        // A user is admitted also if the application's hook fails, and remembered as admitted where no row remembers when
        // the user changed last: an older ban may be delivered later.
        let has_row = !matches!(applied, Ok(Applied::Refused | Applied::Nothing));
        self.admit(denial, has_row, now).await?;
        applied
    }

    /// Writes a denial where every process reads it, unless the user's row is newer: the ban was lifted since.
    ///
    /// The row is read again afterwards. Of a ban and its lifting that are applied at once, either the lifting finds the
    /// ban in the table, or the ban finds the row of the lifting.
    async fn bar(&self, denial: &Denial, now: Timestamp) -> Result<(), SyncError> {
        if self.is_outdated(denial).await? {
            return Ok(());
        }
        self.store.record_denial(denial, now).await?;
        if self.is_outdated(denial).await? {
            tracing::debug!(
                user = U::NAME,
                user_id = denial.subject.id(),
                "a ban is older than the row"
            );
        }
        Ok(())
    }

    /// Whether the row is newer than a denial, which is then lifted.
    async fn is_outdated(&self, denial: &Denial) -> Result<bool, SyncError> {
        let Subject::User(user_id) = &denial.subject else {
            return Ok(false);
        };
        if denial.refusal == Some(Refusal::UserDeleted) {
            return Ok(false);
        }
        let stored = self.store.read(user_id.as_str()).await?;
        let Some(stored) = stored.filter(|it| !it.deleted && it.version.milliseconds() > denial.version)
        else {
            return Ok(false);
        };
        let lifted = Denial {
            refusal: None,
            version: stored.version.milliseconds(),
            ..denial.clone()
        };
        self.store.admit_denied(&lifted).await?;
        self.clerk.deny(lifted);
        Ok(true)
    }

    /// Lifts what bars a user.
    async fn admit(&self, denial: &Denial, has_row: bool, now: Timestamp) -> Result<(), SyncError> {
        if has_row {
            self.store.admit_denied(denial).await?;
        } else {
            self.store.record_denial(denial, now).await?;
        }
        if !has_row || self.clerk.deny_list().knows(Kind::User, denial.subject.id()) {
            self.clerk.deny(denial.clone());
        }
        Ok(())
    }

    /// Applies a delivery to the row.
    async fn apply(&self, delivery: &Webhook, now: Timestamp) -> Result<Applied, SyncError> {
        let user = match &delivery.event {
            Event::UserCreated(user) | Event::UserUpdated(user) => UserObject::of::<U>(user.raw()),
            _ => None,
        };
        let observation = match user.as_ref().map(UserObject::observe::<U>) {
            None => None,
            Some(Ok(observation)) => Some(observation),
            // The struct itself refuses such a user: there is no row to be had, now or later.
            Some(Err(claims)) if claims.are(&ClaimProblem::Null) => {
                tracing::debug!(user = U::NAME, problem = %claims, "a user can have no row");
                None
            }
            Some(Err(claims)) => return self.acknowledge(delivery, &claims.into()).await,
        };
        let change = match (&observation, &delivery.event) {
            (Some(observation), _) => Change::Write(observation),
            (None, Event::UserDeleted(deleted)) => match &deleted.id {
                Some(id) => Change::Delete(id.as_str()),
                None => {
                    tracing::warn!(user = U::NAME, "a user was deleted, and the event has no user id");
                    Change::Nothing
                }
            },
            (None, _) => Change::Nothing,
        };
        let clerk_id = match &change {
            Change::Write(observation) => Some(observation.source.subject()),
            Change::Delete(clerk_id) => Some(*clerk_id),
            Change::Nothing | Change::Refuse => None,
        };
        // However this ends, no copy of the row that was read before is good.
        let _writing = clerk_id.map(|clerk_id| self.fresh.writing(clerk_id, now));
        let was_deleted = clerk_id
            .is_some_and(|clerk_id| self.clerk.denied_user(clerk_id, now) == Some(Refusal::UserDeleted));
        match change {
            Change::Write(_) if was_deleted => {
                self.store.receive(delivery, Change::Nothing).await?;
                Ok(Applied::Gone)
            }
            change => match self.store.receive(delivery, change).await {
                Err(WriteError::Taken(_)) => {
                    let settled = match &observation {
                        Some(observation) => self.settled(observation).await,
                        None => Ok(Applied::Nothing),
                    };
                    match settled {
                        Err(error) if error.failure::<U>().is_acknowledged() => {
                            self.acknowledge(delivery, &error).await
                        }
                        settled => {
                            let settled = settled?;
                            self.store.receive(delivery, Change::Nothing).await?;
                            Ok(settled)
                        }
                    }
                }
                applied => match applied.map_err(SyncError::from) {
                    Err(error) if error.failure::<U>().is_acknowledged() => {
                        self.acknowledge(delivery, &error).await
                    }
                    applied => applied,
                },
            },
        }
    }

    /// Acknowledges a delivery whose claims no repetition makes fit. It is not remembered as delivered, so that a replay or
    /// an import applies it once they fit; a hook that sees each delivery once sees it then.
    async fn acknowledge(&self, delivery: &Webhook, error: &SyncError) -> Result<Applied, SyncError> {
        self.reports
            .failure::<U>(subject(delivery), error, self.clerk.now());
        tracing::error!(
            user = U::NAME,
            user_id = subject(delivery),
            delivery = delivery.id.as_str(),
            reason = error.failure::<U>().outcome(),
            "a user's claims fit no row: the delivery is acknowledged, and the row stays as it is; send the delivery again \
             from Clerk's dashboard, or import the user, once the claims fit"
        );
        Ok(self.store.receive(delivery, Change::Refuse).await?)
    }

    /// What a unique index of the team's own forbids takes more than one transaction to settle.
    async fn settled(&self, observation: &Observation<'_, U>) -> Result<Applied, SyncError> {
        match self.settle(observation, None, Counted::default()).await {
            Ok(synced) => Ok(match synced.outcome {
                SyncOutcome::Inserted => Applied::Inserted,
                SyncOutcome::Updated => Applied::Updated,
                // Nothing was to be settled in the end: somebody has written newer claims.
                SyncOutcome::Unchanged | SyncOutcome::Cached => Applied::Stale,
            }),
            Err(SyncError::Gone) => Ok(Applied::Gone),
            Err(error) => Err(error),
        }
    }
}

/// The user whom a delivery is about, if any.
fn subject(delivery: &Webhook) -> &str {
    match &delivery.event {
        Event::UserCreated(user) | Event::UserUpdated(user) => user.id.as_str(),
        Event::UserDeleted(deleted) => deleted.id.as_ref().map_or("", |id| id.as_str()),
        _ => "",
    }
}

impl<DB, U> PoolStore<U, DB>
where
    DB: Dialect,
    U: StoredIn<DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
    for<'r> bool: Decode<'r, DB> + Type<DB>,
    for<'r> String: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// Applies a change and runs the application's hook: both or neither.
    pub(crate) async fn receive_in_transaction(
        &self,
        delivery: &Webhook,
        change: Change<'_, U>,
        is_stuck: bool,
    ) -> Result<Applied, WriteError> {
        let is_hooked = |on_event: &OnEvent<DB>| !on_event.once || !matches!(change, Change::Refuse);
        let on_event = self.on_event.as_ref().filter(|on_event| is_hooked(on_event));
        if on_event.is_none() {
            match change {
                Change::Nothing => return Ok(Applied::Nothing),
                Change::Refuse => return Ok(Applied::Refused),
                Change::Write(_) | Change::Delete(_) => {}
            }
        }
        let mut transaction = match is_stuck {
            true => self.connections.begin_impatiently().await?,
            false => self.connections.begin().await?,
        };
        let applied = self.apply_in(&mut transaction, delivery, change, on_event).await;
        let applied = forget_if_stale::<DB, _, _>(&mut transaction, applied).await?;
        transaction.commit().await.map_err(commit_error::<U>)?;
        if on_event.is_some_and(|on_event| on_event.once) {
            deliveries::forget_old(&self.connections).await;
        }
        // An insertion and a deletion that ran at the same time have not seen each other.
        let is_purged = match change {
            Change::Delete(clerk_id) => self.purge(clerk_id).await?,
            Change::Write(observation) if applied == Applied::Inserted => {
                self.purge(observation.source.subject()).await?
            }
            Change::Nothing | Change::Refuse | Change::Write(_) => false,
        };
        match change {
            Change::Write(_) if is_purged => Ok(Applied::Gone),
            _ => Ok(applied),
        }
    }

    async fn apply_in(
        &self,
        connection: &mut DB::Connection,
        delivery: &Webhook,
        change: Change<'_, U>,
        on_event: Option<&OnEvent<DB>>,
    ) -> Result<Applied, WriteError> {
        let applied = match change {
            Change::Nothing => Applied::Nothing,
            Change::Refuse => Applied::Refused,
            Change::Write(observation) => self.write_in(connection, observation).await?,
            Change::Delete(clerk_id) => match self.delete_in(connection, clerk_id).await? {
                Deletion::Deleted | Deletion::NoRow => Applied::Deleted,
                Deletion::AlreadyDeleted => Applied::Gone,
            },
        };
        if let Some(OnEvent { hook, once }) = on_event
            && (!once || deliveries::is_first::<DB>(connection, &delivery.id).await?)
        {
            hook(connection, delivery).await.map_err(WriteError::OnEvent)?;
        }
        Ok(applied)
    }

    async fn write_in(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Applied, WriteError> {
        let Observation {
            source,
            claims,
            version,
        } = observation;
        let mut stored = self.select(connection, source.subject()).await?;
        if plan(stored.as_ref(), claims, *version) == Plan::RaiseVersion {
            let arguments = with_version::<DB>(source.subject(), *version)?;
            sqlx::query_with(U::RAISE_VERSION, arguments)
                .execute(&mut *connection)
                .await?;
            // Claims of the version that was read may have been replaced by others of the same meanwhile. From now on they
            // cannot be.
            stored = self.select(connection, source.subject()).await?;
        }
        match plan(stored.as_ref(), claims, *version) {
            Plan::Gone => Ok(Applied::Gone),
            Plan::Write
                if stored
                    .as_ref()
                    .is_some_and(|stored| self.normalized.knows(observation, stored)) =>
            {
                Ok(Applied::Unchanged)
            }
            Plan::Serve if stored.is_some_and(|stored| stored.version > *version) => Ok(Applied::Stale),
            Plan::Serve | Plan::RaiseVersion => Ok(Applied::Unchanged),
            Plan::Write => {
                let written = self
                    .upsert_with_hook(connection, source.subject(), claims, *version)
                    .await;
                let mut written = match written {
                    Err(WriteError::Gone) => return Ok(Applied::Gone),
                    written => written?,
                };
                // A trigger that runs afterwards may have changed the row again.
                if self.normalized.was_written(observation)
                    && let Some(stored) = self.select(connection, source.subject()).await?
                {
                    written.stored = stored;
                }
                let is_changed = self.normalized.note(observation, &written.stored);
                Ok(match (written.inserted, written.stored.version > *version) {
                    _ if written.stored.deleted => Applied::Gone,
                    (true, _) => Applied::Inserted,
                    (false, false) if is_changed => Applied::Updated,
                    (false, false) => Applied::Unchanged,
                    (false, true) => Applied::Stale,
                })
            }
        }
    }
}
