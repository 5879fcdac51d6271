//! `UserSync`: the handle that turns a verified session into a row.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use super::breaker::{Breaker, PROBE_INTERVAL, PROBE_TIMEOUT};
use super::builder::{UserPool, UserSyncBuilder};
use super::error::SyncError;
use super::fresh::{FreshRow, FreshRows, Reading};
use super::plan::{Plan, SyncOutcome, plan};
use super::reads::Reads;
use super::report::Reports;
use super::store::{Store, Stored, WriteError, Written};
use super::version::Version;
use crate::claim::{Claim, ClaimKind, ClaimProblem, Integer, UnreadableClaims};
use crate::clerk::Clerk;
use crate::id::UserId;
use crate::metrics;
use crate::schema::SchemaError;
use crate::session::Session;
use crate::time::Timestamp;
use crate::user::{ClaimColumn, SyncedUser, VersionSource};

/// Keeps the rows of `U` equal to what Clerk says; put it into the application's state. Cloning is cheap.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use clerk_auth::{Clerk, SyncedUser, UserSync};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(postgres))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// async fn users(clerk: Clerk, pool: sqlx::PgPool) -> Result<UserSync<User>, clerk_auth::schema::SchemaError> {
///     UserSync::new(clerk, pool).await
/// }
/// # }
/// ```
pub struct UserSync<U> {
    pub(super) inner: Arc<Inner<U>>,
}

pub(super) struct Inner<U> {
    pub(super) clerk: Clerk,
    pub(super) store: Arc<dyn Store<U>>,
    pub(super) claim_columns: &'static [ClaimColumn],
    pub(super) reads: Arc<Reads<U>>,
    pub(super) fresh: FreshRows<U>,
    pub(super) breaker: Breaker,
    pub(super) reports: Reports,
    pub(super) timeout: Duration,
    pub(super) writers: Writers,
}

/// A row, and what sync did to have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Synced<U> {
    /// The row.
    pub user: U,
    /// What sync did.
    pub outcome: SyncOutcome,
}

impl<U: SyncedUser> UserSync<U> {
    /// A handle on the rows of `U` in `pool`.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the database does not answer, or if its table cannot serve the statements of `U`; the
    /// message says what to do.
    pub async fn new(clerk: Clerk, pool: impl UserPool<U>) -> Result<Self, SchemaError> {
        Self::builder(clerk, pool).build().await
    }

    /// A handle on the rows of `U` in `pool`, of which something is to be said first.
    pub fn builder<P: UserPool<U>>(clerk: Clerk, pool: P) -> UserSyncBuilder<U, P> {
        UserSyncBuilder::new(clerk, pool)
    }

    /// The row of the person whose session was verified: read, and written only if a claim has changed.
    ///
    /// # Errors
    ///
    /// [`SyncError`] says whether the user is gone, the token is not made of the template, or the database is in
    /// trouble.
    pub async fn sync(&self, session: &Session) -> Result<Synced<U>, SyncError> {
        let Synced { user, outcome } = self.sync_shared(session).await?;
        let user = match Arc::try_unwrap(user) {
            Ok(user) => user,
            Err(shared) => match shared.copy() {
                Some(user) => user,
                None => self.inner.own(session.user_id().as_str()).await?,
            },
        };
        Ok(Synced { user, outcome })
    }

    /// The same without a copy of a row that is shared with other requests.
    ///
    /// # Errors
    ///
    /// Those of [`sync`](Self::sync).
    pub async fn sync_shared(&self, session: &Session) -> Result<Synced<Arc<U>>, SyncError> {
        let inner = &self.inner;
        let now = inner.clerk.now();
        let synced = inner.row(session, now).await;
        let outcome = match &synced {
            Ok(synced) => synced.outcome.as_str(),
            Err(error) => {
                inner.reports.failure::<U>(error, now);
                error.as_str()
            }
        };
        metrics::user_synced(U::NAME, outcome);
        synced
    }

    /// Forgets what is known of a user's row, here and, on Postgres, in every process: to be called after the application
    /// has written the row itself, and has committed.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # mod example {
    /// # use clerk_auth::{SyncedUser, UserSync, id::UserId};
    /// # #[derive(SyncedUser)]
    /// # #[synced_user(table = "users", database(sqlite))]
    /// # struct User { clerk_id: String, email: Option<String> }
    /// async fn suspend(pool: &sqlx::SqlitePool, users: &UserSync<User>, id: &UserId) -> Result<(), Box<dyn std::error::Error>> {
    ///     sqlx::query("UPDATE users SET suspended = TRUE WHERE clerk_id = ?")
    ///         .bind(id.as_str())
    ///         .execute(pool)
    ///         .await?;
    ///     users.invalidate(id).await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SyncError::Database`] if other processes could not be told: their copies live out their time. This process has
    /// forgotten the row in any case.
    pub async fn invalidate(&self, user_id: &UserId) -> Result<(), SyncError> {
        self.inner.fresh.written(user_id.as_str());
        self.inner
            .within(async { Ok(self.inner.store.announce(user_id.as_str()).await?) })
            .await
    }

    /// Runs the application's own write of a user's row, and serves the row that it returns from then on: no request sees
    /// an older one after this has returned.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")]
    /// # mod example {
    /// # use std::sync::Arc;
    /// # use clerk_auth::{SyncedUser, UserSync, id::UserId};
    /// #[derive(Clone, SyncedUser)]
    /// #[synced_user(table = "users", database(postgres), fresh_for = "5s")]
    /// struct User {
    ///     clerk_id: String,
    ///     #[column(app)]
    ///     credits: i64,
    /// }
    ///
    /// # async fn add_credit(pool: &sqlx::PgPool, id: &UserId) -> Result<User, sqlx::Error> { unimplemented!() }
    /// async fn buy(pool: &sqlx::PgPool, users: &UserSync<User>, id: &UserId) -> Result<Arc<User>, sqlx::Error> {
    ///     // UPDATE users SET credits = credits + 1 WHERE clerk_id = $1 RETURNING *
    ///     users.write_through(id, add_credit(pool, id)).await
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the write. What was known of the row is forgotten then too, as it may have been written.
    pub async fn write_through<E>(
        &self,
        user_id: &UserId,
        write: impl Future<Output = Result<U, E>>,
    ) -> Result<Arc<U>, E> {
        let inner = &self.inner;
        let clerk_id = user_id.as_str();
        let known = inner.fresh.get(clerk_id, inner.clerk.now());
        let writing = inner.fresh.writing(clerk_id, inner.clerk.now());
        let user = Arc::new(write.await?);
        // What was known tells the row's version, which cannot have gone back.
        if let (Some(known), Some(read)) = (known, writing.done()) {
            let stored = Stored {
                user: Arc::clone(&user),
                ..known.stored
            };
            inner.fresh.put(
                clerk_id,
                FreshRow {
                    stored,
                    session: known.session.clone(),
                    read,
                },
            );
        }
        inner.announce(clerk_id).await;
        Ok(user)
    }
}

impl<U: SyncedUser> Inner<U> {
    async fn row(self: &Arc<Self>, session: &Session, now: Timestamp) -> Result<Synced<Arc<U>>, SyncError> {
        if session.issuer() != self.clerk.issuer() {
            return Err(SyncError::OtherInstance {
                session: session.issuer().into(),
                rows: self.clerk.issuer().into(),
            });
        }
        let clerk_id = session.user_id().as_str();
        let kept = self.fresh.get(clerk_id, now);
        if let Some(row) = &kept
            && row.session.is(session)
        {
            return Ok(cached(&row.stored));
        }
        let (claims, version) = match (U::read_claims(session.claims()), version::<U>(session)) {
            (Ok(claims), Ok(version)) => (claims, version),
            (Err(claims), Err(version)) => return Err(claims.and(version).into()),
            (Err(problem), _) | (_, Err(problem)) => return Err(problem.into()),
        };
        if let Some(row) = &kept
            && plan(Some(&row.stored), &claims, version) == Plan::Serve
        {
            self.keep(session, &row.stored, row.read);
            return Ok(cached(&row.stored));
        }
        if self.breaker.is_open() {
            return Err(SyncError::Unavailable);
        }
        let settled = self.within(self.settle(session, &claims, version)).await;
        match &settled {
            Err(error) if error.is_outage() => {
                if self.breaker.failed() {
                    self.probe();
                }
            }
            _ => self.breaker.succeeded(),
        }
        settled
    }

    async fn settle(
        &self,
        session: &Session,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = session.user_id().as_str();
        loop {
            let reading = self.fresh.reading(clerk_id, self.clerk.now());
            let stored = self.reads.read(clerk_id).await.map_err(SyncError::Database)?;
            let plan = plan(stored.as_ref(), claims, version);
            let turn = match plan {
                Plan::Write | Plan::RaiseVersion => self.writers.turn(clerk_id).await,
                Plan::Serve | Plan::Gone => Turn::NotNeeded,
            };
            if let Turn::Waited = turn {
                // Whoever had the turn may have written what we would.
                continue;
            }
            return match (plan, stored) {
                (Plan::Gone, _) => Err(SyncError::Gone),
                (Plan::Serve, Some(stored)) => {
                    Ok(self.serve(session, stored, Some(reading), SyncOutcome::Unchanged))
                }
                (Plan::RaiseVersion, Some(stored)) => {
                    self.store.raise_version(clerk_id, version).await?;
                    let stored = Stored { version, ..stored };
                    Ok(self.serve(session, stored, Some(reading), SyncOutcome::Unchanged))
                }
                (Plan::Write | Plan::Serve | Plan::RaiseVersion, _) => {
                    self.write(session, claims, version).await
                }
            };
        }
    }

    async fn write(
        &self,
        session: &Session,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = session.user_id().as_str();
        let writing = self.fresh.writing(clerk_id, self.clerk.now());
        let Written { stored, inserted } = match self.store.write(clerk_id, claims, version).await {
            Ok(written) => written,
            Err(WriteError::Taken { columns }) => {
                self.write_taken(session.claims(), claims, version, columns)
                    .await?
            }
            Err(WriteError::OnInsert(error)) => return Err(SyncError::OnInsert(error)),
            Err(WriteError::Database(error)) => return Err(error.into()),
        };
        let outcome = match (inserted, stored.version > version) {
            _ if stored.deleted => return Err(SyncError::Gone),
            (true, _) => SyncOutcome::Inserted,
            (false, false) => SyncOutcome::Updated,
            // Somebody wrote newer claims between the read and the upsert, which therefore changed nothing.
            (false, true) => SyncOutcome::Unchanged,
        };
        Ok(self.serve(session, stored, writing.done(), outcome))
    }

    fn serve(
        &self,
        session: &Session,
        stored: Stored<U>,
        read: Option<Reading>,
        outcome: SyncOutcome,
    ) -> Synced<Arc<U>> {
        if let Some(read) = read {
            self.keep(session, &stored, read);
        }
        Synced {
            user: stored.user,
            outcome,
        }
    }

    fn keep(&self, session: &Session, stored: &Stored<U>, read: Reading) {
        if self.fresh.keeps() {
            let row = FreshRow {
                stored: stored.clone(),
                session: session.clone(),
                read,
            };
            self.fresh.put(session.user_id().as_str(), row);
        }
    }

    /// A row for one request alone: for structs that are not `Clone`.
    async fn own(&self, clerk_id: &str) -> Result<U, SyncError> {
        let stored = self
            .within(async { Ok(self.store.read(clerk_id).await?) })
            .await?;
        match stored {
            Some(stored) if !stored.deleted => Arc::try_unwrap(stored.user).map_err(|_| SyncError::Gone),
            _ => Err(SyncError::Gone),
        }
    }

    pub(super) async fn announce(&self, clerk_id: &str) {
        let announced = self
            .within(async { Ok(self.store.announce(clerk_id).await?) })
            .await;
        if let Err(error) = announced {
            tracing::warn!(user = U::NAME, %error, "other processes serve a row until its time is over");
        }
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, SyncError>>) -> Result<T, SyncError> {
        tokio::time::timeout(self.timeout, work)
            .await
            .unwrap_or(Err(SyncError::Timeout(self.timeout)))
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

fn version<U: SyncedUser>(session: &Session) -> Result<Version, UnreadableClaims> {
    let VersionSource::UpdatedAt { claim } = U::VERSION else {
        return Ok(Version::of_issue(session.issued_at()));
    };
    let seconds = match session.claims().claim(claim) {
        Claim::Absent => Err(ClaimProblem::Absent),
        Claim::Null => Err(ClaimProblem::Null),
        Claim::Value(value) => Integer::read(value),
    };
    match seconds {
        Ok(seconds) => Ok(Version::of_token(
            Timestamp::from_seconds(seconds),
            session.issued_at(),
        )),
        Err(problem) => Err(UnreadableClaims::one(claim, problem)),
    }
}

/// Lets one request of this process at a time write a user's row: who waited finds it written. Users that share a lock
/// wait for each other, which costs time and nothing else.
pub(super) struct Writers {
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Writers {
    fn default() -> Self {
        Self {
            locks: (0..1_024).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

/// Whether a request may write.
enum Turn<'a> {
    /// It does not want to.
    NotNeeded,
    /// Nobody else writes while this is held.
    Taken(#[expect(dead_code, reason = "it is held, not used")] MutexGuard<'a, ()>),
    /// Somebody else had it until now.
    Waited,
}

impl Writers {
    async fn turn(&self, clerk_id: &str) -> Turn<'_> {
        let hash = usize::try_from(self.hasher.hash_one(clerk_id) >> 32).unwrap_or(0);
        let lock = &self.locks[hash % self.locks.len()];
        match lock.try_lock() {
            Ok(turn) => Turn::Taken(turn),
            Err(_) => {
                drop(lock.lock().await);
                Turn::Waited
            }
        }
    }
}

impl<U> Clone for UserSync<U> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<U: SyncedUser> fmt::Debug for UserSync<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserSync")
            .field("user", &U::NAME)
            .field("clerk", &self.inner.clerk)
            .finish_non_exhaustive()
    }
}
