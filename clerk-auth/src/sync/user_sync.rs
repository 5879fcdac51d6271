//! `UserSync`: the handle that turns a verified session into a row.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Pool;

use super::plan::{Plan, SyncOutcome, plan};
use super::store::{Store, Stored};
use super::version::Version;
use crate::claim::{Claim, ClaimKind, ClaimProblem, Integer, UnreadableClaims};
use crate::clerk::Clerk;
use crate::metrics;
use crate::schema::{self, SchemaError};
use crate::session::Session;
use crate::time::Timestamp;
use crate::user::{StoredIn, SyncedUser, VersionSource};

/// How long a request waits for the database before it is answered without it. Two seconds: longer than any healthy
/// statement by key takes, shorter than the patience of load balancers and people.
const SYNC_TIMEOUT: Duration = Duration::from_secs(2);

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
    inner: Arc<Inner<U>>,
}

struct Inner<U> {
    clerk: Clerk,
    store: Box<dyn Store<U>>,
    timeout: Duration,
}

/// A row, and what sync did to have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Synced<U> {
    /// The row.
    pub user: U,
    /// What sync did.
    pub outcome: SyncOutcome,
}

/// Why there is no row for a verified session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Clerk has deleted the user; the token has not expired yet.
    #[error("the user was deleted")]
    Gone,
    /// The token's claims are not those of the template: it has not been pasted into Clerk's dashboard, or has been
    /// changed since the token was minted.
    #[error("{0}")]
    Claims(#[from] UnreadableClaims),
    /// The session is of another Clerk instance than the rows are: the application's state mixes two of them.
    #[error("the session's issuer `{session}` is not `{rows}`, whose users the table holds")]
    OtherInstance {
        /// Who issued the session's token.
        session: Box<str>,
        /// Whose users the rows are.
        rows: Box<str>,
    },
    /// The database did not answer within the sync timeout.
    #[error("the database did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl SyncError {
    /// One lower-case word, as for a label of a metric.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Claims(_) => "claims",
            Self::OtherInstance { .. } => "other_instance",
            Self::Timeout(_) => "timeout",
            Self::Database(_) => "database",
        }
    }
}

impl<U: SyncedUser> UserSync<U> {
    /// A handle on the rows of `U` in `pool`.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the database does not answer, or if its table cannot serve the statements of `U`; the
    /// message holds the DDL of a table that can.
    pub async fn new(clerk: Clerk, pool: impl UserPool<U>) -> Result<Self, SchemaError> {
        pool.check().await?;
        Ok(Self {
            inner: Arc::new(Inner {
                clerk,
                store: pool.into_store(),
                timeout: SYNC_TIMEOUT,
            }),
        })
    }

    /// The row of the person whose session was verified: read, and written only if a claim has changed.
    ///
    /// # Errors
    ///
    /// [`SyncError`] says whether the user is gone, the token is not made of the template, or the database is in
    /// trouble.
    pub async fn sync(&self, session: &Session) -> Result<Synced<U>, SyncError> {
        let synced = self.row(session).await;
        let outcome = match &synced {
            Ok(synced) => synced.outcome.as_str(),
            Err(error) => error.as_str(),
        };
        metrics::user_synced(U::NAME, outcome);
        synced
    }

    async fn row(&self, session: &Session) -> Result<Synced<U>, SyncError> {
        let inner = &*self.inner;
        if session.issuer() != inner.clerk.issuer() {
            return Err(SyncError::OtherInstance {
                session: session.issuer().into(),
                rows: inner.clerk.issuer().into(),
            });
        }
        let (claims, version) = match (U::read_claims(session.claims()), version::<U>(session)) {
            (Ok(claims), Ok(version)) => (claims, version),
            (Err(claims), Err(version)) => return Err(claims.and(version).into()),
            (Err(unreadable), _) | (_, Err(unreadable)) => return Err(unreadable.into()),
        };
        let row = inner.settle(session.user_id().as_str(), &claims, version);
        tokio::time::timeout(inner.timeout, row)
            .await
            .map_err(|_| SyncError::Timeout(inner.timeout))?
    }
}

impl<U: SyncedUser> Inner<U> {
    async fn settle(
        &self,
        clerk_id: &str,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Synced<U>, SyncError> {
        let unchanged = |user| {
            Ok(Synced {
                user,
                outcome: SyncOutcome::Unchanged,
            })
        };
        match plan(self.store.read(clerk_id).await?, claims, version) {
            Plan::Gone => Err(SyncError::Gone),
            Plan::Serve(user) => unchanged(user),
            Plan::RaiseVersion(user) => {
                self.store.raise_version(clerk_id, version).await?;
                unchanged(user)
            }
            Plan::Write => {
                let written = self.store.write(clerk_id, claims, version).await?;
                let Stored {
                    user,
                    version: stored,
                    deleted,
                } = written.stored;
                let outcome = match (written.inserted, stored > version) {
                    _ if deleted => return Err(SyncError::Gone),
                    (true, _) => SyncOutcome::Inserted,
                    (false, false) => SyncOutcome::Updated,
                    // Somebody wrote newer claims between the read and the upsert, which therefore changed nothing.
                    (false, true) => SyncOutcome::Unchanged,
                };
                Ok(Synced { user, outcome })
            }
        }
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

/// A pool whose database holds rows of `U`: a `sqlx::PgPool` or a `sqlx::SqlitePool`.
#[diagnostic::on_unimplemented(
    message = "rows of `{U}` are not stored in `{Self}`",
    label = "`{U}` does not name this database",
    note = "add it to the struct: `#[synced_user(database(postgres, sqlite))]`, and enable the feature of the same name"
)]
pub trait UserPool<U>: sealed::Store<U> {}

mod sealed {
    use super::{Future, SchemaError};

    pub trait Store<U>: Send {
        fn check(&self) -> impl Future<Output = Result<(), SchemaError>> + Send;

        #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
        fn into_store(self) -> Box<dyn super::Store<U>>;
    }
}

macro_rules! user_pool {
    ($feature:literal, $database:ty) => {
        #[cfg(feature = $feature)]
        impl<U: StoredIn<$database>> sealed::Store<U> for Pool<$database> {
            async fn check(&self) -> Result<(), SchemaError> {
                schema::check::<$database, U>(self).await
            }

            #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
            fn into_store(self) -> Box<dyn Store<U>> {
                Box::new(self)
            }
        }

        #[cfg(feature = $feature)]
        #[diagnostic::do_not_recommend]
        impl<U: StoredIn<$database>> UserPool<U> for Pool<$database> {}
    };
}

user_pool!("postgres", sqlx::Postgres);
user_pool!("sqlite", sqlx::Sqlite);

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
