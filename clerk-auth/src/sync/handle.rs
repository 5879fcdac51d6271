//! `UserSync`: the handle that turns a verified session into a row.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use axum::http::Extensions;
use sqlx::{Database, Pool};
use tracing::Instrument;

use super::builder::UserSyncBuilder;
use super::engine::Engine;
use super::error::SyncError;
use super::flow::member::Lacking;
use super::flow::read_together::ReadsMembers;
use super::flow::{delete, request, webhook};
#[cfg(feature = "backend-api")]
use super::followers::Followed;
use super::local::change_log::{self, Source};
use super::local::row_cache::CachedRow;
use super::model::observation::key_of_membership;
use super::model::outcome::{Deletion, Synced};
use super::model::row::StoredRow;
use super::pool::UserPool;
#[cfg(feature = "backend-api")]
use super::store::hooks::StoreFuture;
use super::unwind::caught;
use crate::clerk::Clerk;
#[cfg(feature = "backend-api")]
use crate::deny_list::Denial;
use crate::id::{OrganizationId, UserId};
use crate::row::SyncedUser;
use crate::schema::SchemaError;
use crate::session::Session;
use crate::webhook::Webhook;

/// Keeps the rows of `U` equal to Clerk's claims; put it into the application's state. Cloning is cheap.
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
    pub(super) engine: Arc<Engine<U>>,
    /// Set by the first handle on memberships of these users.
    pub(super) members: Arc<OnceLock<Arc<dyn ReadsMembers<U>>>>,
}

impl<U: SyncedUser> UserSync<U> {
    /// Creates a handle on the rows of `U` in `pool`.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the database does not answer, or if its table cannot serve the statements of `U`; the message
    /// contains the remedy.
    // Not `async fn`: for a pool of the wrong database, rustc would add one error for the future, and one for its
    // `.await`.
    pub fn new<DB: Database>(
        clerk: Clerk,
        pool: Pool<DB>,
    ) -> Pin<Box<dyn Future<Output = Result<Self, SchemaError>> + Send>>
    where
        Pool<DB>: UserPool<U>,
    {
        Box::pin(Self::builder(clerk, pool).build())
    }

    /// Configures a handle on the rows of `U` in `pool`.
    pub fn builder<DB: Database>(clerk: Clerk, pool: Pool<DB>) -> UserSyncBuilder<U, Pool<DB>>
    where
        Pool<DB>: UserPool<U>,
    {
        UserSyncBuilder::new(clerk, pool)
    }

    /// Returns the row of a verified session's user: reads it, and writes only if a claim has changed.
    ///
    /// # Errors
    ///
    /// [`SyncError`] distinguishes a deleted user, a token that does not match the template, and a failure of the
    /// database.
    pub async fn sync(&self, session: &Session) -> Result<Synced<U>, SyncError> {
        let Synced { user, outcome } = self.sync_shared(session).await?;
        let user = self.by_value(session, user).await?;
        Ok(Synced { user, outcome })
    }

    /// Like [`sync`](Self::sync), without copying a row that is shared with other requests.
    ///
    /// # Errors
    ///
    /// Those of [`sync`](Self::sync).
    pub async fn sync_shared(&self, session: &Session) -> Result<Synced<Arc<U>>, SyncError> {
        let engine = &self.engine;
        let now = engine.clerk.now();
        let span = tracing::debug_span!("user_sync", users_table = U::TABLE, user_id = session.sub());
        let synced = request::row(engine, session, session.sub(), now)
            .instrument(span)
            .await;
        request::record(engine, session.sub(), &synced);
        synced
    }

    /// Like [`sync_shared`](Self::sync_shared), for a request that also needs rows of the active organization. Reads
    /// them with the same statement if that saves one, and stores them in the extensions.
    pub(crate) async fn sync_before_member(
        &self,
        session: &Session,
        others: &mut Extensions,
    ) -> Result<Synced<Arc<U>>, Lacking> {
        if let Some(members) = self.members.get()
            && members.saves_a_read(&self.engine, session)
            && let Some(user) = members.read(&self.engine, session, others).await?
        {
            return Ok(user);
        }
        self.sync_shared(session).await.map_err(Lacking::new::<U>)
    }

    /// Returns a shared row by value, as [`sync`](Self::sync) does.
    pub(crate) async fn by_value(&self, session: &Session, row: Arc<U>) -> Result<U, SyncError> {
        request::by_value(&self.engine, session, row).await
    }

    /// Applies a delivery whose signature was verified.
    pub(crate) async fn apply_delivery(&self, delivery: &Webhook) -> Result<(), SyncError> {
        webhook::apply(&self.engine, delivery, ready(Ok(false))).await
    }

    /// Drops cached copies of a user's row in this process and, on PostgreSQL, in every other. Call it after the
    /// application has written the row and committed.
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
    /// [`SyncError::Database`] if other processes could not be notified: their copies expire. This process has dropped
    /// its copy in any case.
    pub async fn invalidate(&self, user_id: &UserId) -> Result<(), SyncError> {
        self.engine.row_cache.invalidate(user_id.as_str());
        self.engine
            .within(async { Ok(self.engine.store.announce(user_id.as_str()).await?) })
            .await
    }

    /// Deletes a user as a `user.deleted` webhook would, without waiting for it. From then on the user's tokens are refused
    /// in every process that reads the same database, even unexpired ones, and do not recreate the row.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")]
    /// # mod example {
    /// # use clerk_auth::{SyncedUser, UserSync, id::UserId, sync::{Deletion, SyncError}};
    /// # #[derive(SyncedUser)]
    /// # #[synced_user(table = "users", tombstones = "clerk_tombstones", database(postgres))]
    /// # struct User { clerk_id: String, email: Option<String> }
    /// async fn close_account(users: &UserSync<User>, id: &UserId) -> Result<bool, SyncError> {
    ///     let deletion = users.delete(id).await?;
    ///     Ok(deletion == Deletion::Deleted)
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SyncError::OnDelete`] if the application's hook failed, and nothing was deleted; other errors if the database
    /// fails.
    pub async fn delete(&self, user_id: &UserId) -> Result<Deletion, SyncError> {
        let engine = &self.engine;
        let deletion = caught(engine.ask(|_| delete::delete(engine, user_id.as_str()))).await;
        let deletion = deletion.unwrap_or_else(|panicked| Err(panicked.into()));
        match &deletion {
            Ok(deletion) => change_log::deleted::<U>(user_id.as_str(), *deletion, Source::Application),
            Err(error @ SyncError::Panicked) => {
                engine
                    .failure_log
                    .failure::<U>(user_id.as_str(), error, engine.clerk.now());
            }
            Err(_) => {}
        }
        deletion
    }

    /// Ends a membership as an `organizationMembership.deleted` webhook would, without waiting for it. Tokens whose
    /// claims were read up to now have no [organization](Session::organization) from then on, in every process that
    /// reads the same database.
    ///
    /// The row of a [`MembershipSync`](super::MembershipSync) that follows this handle is marked too.
    ///
    /// Later tokens are not affected, so call this method after Clerk has confirmed the removal.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # mod example {
    /// # use clerk_auth::{SyncedUser, UserSync, id::{OrganizationId, UserId}};
    /// # #[derive(SyncedUser)]
    /// # #[synced_user(table = "users", database(sqlite))]
    /// # struct User { clerk_id: String, email: Option<String> }
    /// # async fn remove_at_clerk(user: &UserId, team: &OrganizationId) -> Result<(), Box<dyn std::error::Error>> { Ok(()) }
    /// async fn remove(users: &UserSync<User>, user: &UserId, team: &OrganizationId) -> Result<(), Box<dyn std::error::Error>> {
    ///     remove_at_clerk(user, team).await?;
    ///     users.end_membership(user, team).await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SyncError`] if the database fails. In this process the membership has ended in any case.
    pub async fn end_membership(
        &self,
        user_id: &UserId,
        organization_id: &OrganizationId,
    ) -> Result<(), SyncError> {
        let engine = &self.engine;
        let now = engine.clerk.now();
        let denial = engine.clerk.end_of_membership(user_id, organization_id, now);
        engine.clerk.deny(denial.clone());
        let key = key_of_membership(user_id.as_str(), organization_id.as_str());
        let record = async {
            engine.store.record_denial(&denial, now).await?;
            engine.followers.end_membership(&key, now).await
        };
        let recorded = caught(engine.ask(|_| record)).await;
        recorded.unwrap_or_else(|panicked| Err(panicked.into()))
    }

    /// Runs the application's own write of a user's row, and serves the returned row from then on. After the call, no
    /// request sees an older row.
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
    /// Returns the error of the write. The cached copy is dropped then too, because the row may have been written.
    pub async fn write_through<E>(
        &self,
        user_id: &UserId,
        write: impl Future<Output = Result<U, E>>,
    ) -> Result<Arc<U>, E> {
        let engine = &self.engine;
        let clerk_id = user_id.as_str();
        let known = engine.row_cache.get(clerk_id, engine.clerk.now());
        let writing = engine.row_cache.begin_write(clerk_id, engine.clerk.now());
        let user = Arc::new(write.await?);
        // The version is that of the cached copy; a row's version never decreases.
        if let (Some(known), Some(read)) = (known, writing.done()) {
            let stored = StoredRow {
                user: Arc::clone(&user),
                ..known.stored
            };
            engine.row_cache.put(
                clerk_id,
                CachedRow {
                    stored,
                    session: known.session.clone(),
                    read,
                },
            );
        }
        engine.announce(clerk_id).await;
        Ok(user)
    }
}

impl<U: SyncedUser, P: UserPool<U>> UserSyncBuilder<U, P> {
    /// Checks the table and starts.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the database does not answer, the table cannot serve the statements of `U`, or
    /// `transaction_pooling` does not match the pool or the pooler.
    pub async fn build(self) -> Result<UserSync<U>, SchemaError> {
        let engine = self.start().await?;
        Ok(UserSync {
            engine,
            members: Arc::default(),
        })
    }
}

#[cfg(feature = "backend-api")]
impl<U: SyncedUser> Followed for Engine<U> {
    fn deny(&self, denial: Denial) -> StoreFuture<'_, (), SyncError> {
        self.clerk.deny(denial.clone());
        Box::pin(async move { Ok(self.store.record_denial(&denial, self.clerk.now()).await?) })
    }
}

impl<U> Clone for UserSync<U> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            members: Arc::clone(&self.members),
        }
    }
}

impl<U: SyncedUser> fmt::Debug for UserSync<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserSync")
            .field("user", &U::NAME)
            .field("clerk", &self.engine.clerk)
            .finish_non_exhaustive()
    }
}
