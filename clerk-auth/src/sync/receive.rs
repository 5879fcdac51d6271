//! What Clerk tells of a user becomes a row, and the application hears of it, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Type};

use super::deletion::Deletion;
use super::deliveries;
use super::dialect::Dialect;
use super::error::{BoxError, SyncError};
use super::notice::Notice;
use super::observation::{Observation, UserObject};
use super::plan::{Plan, SyncOutcome, plan};
use super::pool_store::{PoolStore, with_version};
use super::reads::Counted;
use super::store::{Store, StoreFuture, WriteError};
use super::user_sync::{Inner, UserSync};
use super::write::commit_error;
use crate::claim::ClaimProblem;
use crate::id::UserId;
use crate::metrics;
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::token::denied::Denial;
use crate::token::verifier::LEEWAY;
use crate::user::{StoredIn, SyncedUser};
use crate::webhook::{Event, Webhook};

/// How long a delivery may take. Svix waits for 15 seconds; the application's hook is in it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// For how long this process remembers what no row can hold: that a user is barred, or was deleted who has no row. Svix
/// gives up on a delivery after 27 hours and 35 minutes, so that no late word is believed.
const REMEMBERED: Duration = Duration::from_secs(28 * 60 * 60);

/// For how long this process remembers that a user is not refused: until deliveries that run at the same time have ended.
/// What comes later the row's version tells. There is one such word for every change of a user.
const SETTLING: Duration = Duration::from_secs(60);

/// What a delivery does to a row.
pub(crate) enum Change<'a, U: SyncedUser> {
    /// It is about something else, or about somebody who can have no row.
    Nothing,
    /// These are the user's claims.
    Write(&'a Observation<'a, U>),
    /// The user was deleted.
    Delete(&'a str),
}

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
}

impl Applied {
    /// Whether nothing newer is known than what the delivery says.
    fn is_news(self) -> bool {
        !matches!(self, Self::Stale | Self::Gone)
    }

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
        }
    }
}

/// What the application does in the transaction that applies a delivery.
pub(super) struct OnEvent<DB: Database> {
    pub(super) hook: Arc<EventHook<DB>>,
    /// Not again for a delivery that comes again.
    pub(super) once: bool,
}

pub(super) type EventHook<DB> = dyn for<'a> Fn(&'a mut <DB as Database>::Connection, &'a Webhook) -> StoreFuture<'a, (), BoxError>
    + Send
    + Sync;

impl<U: SyncedUser> UserSync<U> {
    /// Applies a delivery whose signature was verified.
    pub(crate) async fn receive(&self, delivery: &Webhook) -> Result<(), SyncError> {
        let inner = &self.inner;
        let received = async {
            if inner.breaker.is_open() {
                return Err(SyncError::Unavailable);
            }
            tokio::time::timeout(TIMEOUT, inner.receive(delivery))
                .await
                .unwrap_or(Err(SyncError::Timeout(TIMEOUT)))
        };
        let received = received.await;
        let outcome = match &received {
            Ok(applied) => applied.as_str(),
            Err(error) => {
                inner.reports.failure::<U>(error, inner.clerk.now());
                error.as_str()
            }
        };
        metrics::webhook_applied(U::NAME, outcome);
        received.map(drop)
    }
}

impl<U: SyncedUser> Inner<U> {
    async fn receive(&self, delivery: &Webhook) -> Result<Applied, SyncError> {
        let now = self.clerk.now();
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
            Some(Err(claims)) => return Err(claims.into()),
        };
        let change = match (&observation, &delivery.event) {
            (Some(observation), _) => Change::Write(observation),
            (None, Event::UserDeleted(deleted)) => match &deleted.id {
                Some(id) => Change::Delete(id.as_str()),
                None => {
                    tracing::warn!(user = U::NAME, "a user was deleted, and Clerk did not say who");
                    Change::Nothing
                }
            },
            (None, _) => Change::Nothing,
        };
        let clerk_id = match &change {
            Change::Write(observation) => Some(observation.source.subject()),
            Change::Delete(clerk_id) => Some(*clerk_id),
            Change::Nothing => None,
        };
        // However this ends, no copy of the row that was read before is good.
        let _writing = clerk_id.map(|clerk_id| self.fresh.writing(clerk_id, now));
        let was_deleted = clerk_id
            .is_some_and(|clerk_id| self.clerk.denied_user(clerk_id, now) == Some(Refusal::UserDeleted));
        let notice = notice(&delivery.event, now, self.session_token_lifetime);
        let applied = match change {
            Change::Write(_) if was_deleted => {
                self.store.receive(delivery, Change::Nothing, None).await?;
                Applied::Gone
            }
            change => match self.store.receive(delivery, change, notice.as_ref()).await {
                Err(WriteError::Taken(_)) => {
                    let settled = match &observation {
                        Some(observation) => self.settled(observation).await?,
                        None => Applied::Nothing,
                    };
                    let notice = notice.as_ref().filter(|_| settled.is_news());
                    self.store.receive(delivery, Change::Nothing, notice).await?;
                    settled
                }
                applied => applied?,
            },
        };
        if let Some(notice) = notice
            && applied.is_news()
        {
            notice.take(&self.clerk);
        }
        Ok(applied)
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

/// Who is refused from now on, or not any more, because of an event.
fn notice(event: &Event, now: Timestamp, session_token_lifetime: Duration) -> Option<Notice> {
    let user = |id: &UserId, refusal, version, until| Notice::User {
        id: id.clone(),
        denial: Denial {
            refusal,
            version,
            until,
        },
    };
    match event {
        Event::SessionEnded(session) | Event::SessionRemoved(session) | Event::SessionRevoked(session) => {
            Some(Notice::Session {
                id: session.id.clone(),
                until: now + session_token_lifetime + LEEWAY,
            })
        }
        Event::UserCreated(it) | Event::UserUpdated(it) => {
            let refusal = if it.banned {
                Some(Refusal::UserBanned)
            } else if it.deprovisioned {
                Some(Refusal::UserDeprovisioned)
            } else {
                it.locked.then_some(Refusal::UserLocked)
            };
            let until = match (refusal, it.lockout_expires_in_seconds) {
                (Some(Refusal::UserLocked), Some(seconds)) => {
                    now + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
                }
                (Some(_), _) => now + REMEMBERED,
                (None, _) => now + SETTLING,
            };
            Some(user(&it.id, refusal, it.updated_at.milliseconds(), until))
        }
        // Nothing is newer than that.
        Event::UserDeleted(deleted) => deleted
            .id
            .as_ref()
            .map(|id| user(id, Some(Refusal::UserDeleted), i64::MAX, now + REMEMBERED)),
        _ => None,
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
    /// Applies a change, lets the application hear of it, and tells other processes: all of it or nothing.
    pub(super) async fn receive_in_transaction(
        &self,
        delivery: &Webhook,
        change: Change<'_, U>,
        notice: Option<&Notice>,
    ) -> Result<Applied, WriteError> {
        if matches!(change, Change::Nothing) && notice.is_none() && self.on_event.is_none() {
            return Ok(Applied::Nothing);
        }
        let mut transaction = self.connections.begin().await?;
        let applied = match &change {
            Change::Nothing => Applied::Nothing,
            Change::Write(observation) => self.write_in(&mut transaction, observation).await?,
            Change::Delete(clerk_id) => match self.delete_in(&mut transaction, clerk_id).await? {
                Deletion::Deleted | Deletion::NoRow => Applied::Deleted,
                Deletion::AlreadyDeleted => Applied::Gone,
            },
        };
        if let Some(OnEvent { hook, once }) = &self.on_event
            && (!once || deliveries::is_first::<DB>(&mut transaction, &delivery.id).await?)
        {
            hook(&mut transaction, delivery)
                .await
                .map_err(WriteError::OnEvent)?;
        }
        if let Some(notice) = notice
            && applied.is_news()
        {
            DB::announce_notice(&mut transaction, notice).await?;
        }
        transaction.commit().await.map_err(commit_error::<U>)?;
        // An insertion and a deletion that ran at the same time have not seen each other.
        let is_purged = match change {
            Change::Delete(clerk_id) => self.purge(clerk_id).await?,
            Change::Write(observation) if applied == Applied::Inserted => {
                self.purge(observation.source.subject()).await?
            }
            Change::Nothing | Change::Write(_) => false,
        };
        match change {
            Change::Write(_) if is_purged => Ok(Applied::Gone),
            _ => Ok(applied),
        }
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
            Plan::Serve if stored.is_some_and(|stored| stored.version > *version) => Ok(Applied::Stale),
            Plan::Serve | Plan::RaiseVersion => Ok(Applied::Unchanged),
            Plan::Write => {
                let written = self
                    .upsert_with_hook(connection, source.subject(), claims, *version)
                    .await;
                let written = match written {
                    Err(WriteError::Gone) => return Ok(Applied::Gone),
                    written => written?,
                };
                Ok(match (written.inserted, written.stored.version > *version) {
                    _ if written.stored.deleted => Applied::Gone,
                    (true, _) => Applied::Inserted,
                    (false, false) => Applied::Updated,
                    (false, true) => Applied::Stale,
                })
            }
        }
    }
}
