//! Configures a `UserSync` before it starts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Database;
#[cfg(feature = "postgres")]
use sqlx::Pool;

use super::engine::Engine;
use super::pool::UserPool;
use super::start::Settings;
use super::store::error::BoxError;
use super::store::hooks::{EventHook, OnEvent, StoreFuture};
#[cfg(feature = "backend-api")]
use crate::backend_api::BackendApi;
use crate::clerk::Clerk;
#[cfg(feature = "postgres")]
use crate::row::StoredIn;
use crate::row::SyncedUser;
use crate::schema::SchemaError;
use crate::webhook::Webhook;

/// Builds a [`UserSync`](super::UserSync); created by [`UserSync::builder`](super::UserSync::builder).
///
/// A later call of a method replaces the earlier one. `on_event` and `on_event_once` replace each other.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// # use clerk_auth::{Clerk, SyncedUser, UserSync, schema::SchemaError};
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(postgres))]
/// # struct User { #[column(generated)] id: i64, clerk_id: String }
/// async fn users(clerk: Clerk, pool: sqlx::PgPool) -> Result<UserSync<User>, SchemaError> {
///     UserSync::<User>::builder(clerk, pool)
///         .on_insert(|connection, user| {
///             Box::pin(async move {
///                 sqlx::query("INSERT INTO carts (user_id) VALUES ($1)")
///                     .bind(user.id)
///                     .execute(connection)
///                     .await?;
///                 Ok(())
///             })
///         })
///         .build()
///         .await
/// }
/// # }
/// ```
#[must_use = "nothing happens until it is built"]
pub struct UserSyncBuilder<U: SyncedUser, P: UserPool<U>> {
    pool: P,
    settings: Settings<U, P::Database>,
}

impl<U: SyncedUser, P: UserPool<U>> fmt::Debug for UserSyncBuilder<U, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserSyncBuilder")
            .field("clerk", &self.settings.clerk)
            .field("sync_timeout", &self.settings.timeout)
            .field("transaction_pooling", &self.settings.transaction_pooling)
            .finish_non_exhaustive()
    }
}

impl<U: SyncedUser, P: UserPool<U>> UserSyncBuilder<U, P> {
    pub(super) fn new(clerk: Clerk, pool: P) -> Self {
        Self {
            pool,
            settings: Settings {
                shares_denials: true,
                ..Settings::new(clerk)
            },
        }
    }

    /// Sets how long a request waits for the database. After that time, the request gets 503, or the handler gets the
    /// session if it takes [`MaybeSynced`](crate::extract::MaybeSynced). The default is 2 seconds.
    ///
    /// A PostgreSQL server does not notice that a request has stopped waiting. It continues the statement, and the
    /// connection returns to the pool when the statement ends. To end the statement in the server too, set
    /// `statement_timeout` for the connections of the pool, to the same time or a little more:
    ///
    /// ```
    /// # #[cfg(feature = "postgres")] {
    /// use sqlx::postgres::PgConnectOptions;
    ///
    /// let options: PgConnectOptions = "postgres://app@localhost/app".parse()?;
    /// let options = options.options([("statement_timeout", "3s")]);
    /// # assert!(options.get_options().is_some_and(|options| options.contains("statement_timeout=3s")));
    /// # }
    /// # Ok::<(), sqlx::Error>(())
    /// ```
    ///
    /// An import writes 500 rows with one statement, so give it a separate pool if the time is short. Behind a pooler,
    /// set the timeout for the role: `ALTER ROLE app SET statement_timeout = '3s'`. On SQLite, a statement waits for
    /// other writers for the `busy_timeout` of the pool.
    pub fn sync_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Runs once per user, in the transaction that inserts the row: create a cart, queue a welcome message. If the hook
    /// fails, nothing is inserted, the request is answered with 503, and the user's next request tries again.
    ///
    /// Return the error of a failed statement, because PostgreSQL rolls back a transaction in which a statement failed.
    /// Run a statement that may fail in a nested transaction, `connection.begin()`. The hook must not end the
    /// transaction.
    pub fn on_insert<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut <P::Database as Database>::Connection, &'a U) -> StoreFuture<'a, (), BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.settings.hooks.on_insert = Some(Arc::new(hook));
        self
    }

    /// Runs once per linked user, in the transaction that links an existing row to the user. A hook can greet a
    /// returning customer, or lift a limit of accounts without a sign-in. If the hook fails, nothing is linked, the
    /// request is answered with 503, and the user's next request tries again. For failing statements, see
    /// [`on_insert`](Self::on_insert), which does not run for a linked row.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")]
    /// # mod example {
    /// # use clerk_auth::{Clerk, SyncedUser, UserSync, schema::SchemaError};
    /// #[derive(SyncedUser)]
    /// #[synced_user(
    ///     table = "users",
    ///     template_json = r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#,
    ///     link(id = "externalId"),
    ///     database(postgres)
    /// )]
    /// struct User {
    ///     #[column(generated)]
    ///     id: i64,
    ///     clerk_id: String,
    /// }
    ///
    /// async fn users(clerk: Clerk, pool: sqlx::PgPool) -> Result<UserSync<User>, SchemaError> {
    ///     UserSync::<User>::builder(clerk, pool)
    ///         .on_link(|connection, user| {
    ///             Box::pin(async move {
    ///                 sqlx::query("DELETE FROM passwords WHERE user_id = $1")
    ///                     .bind(user.id)
    ///                     .execute(connection)
    ///                     .await?;
    ///                 Ok(())
    ///             })
    ///         })
    ///         .build()
    ///         .await
    /// }
    /// # }
    /// ```
    pub fn on_link<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut <P::Database as Database>::Connection, &'a U) -> StoreFuture<'a, (), BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.settings.hooks.on_link = Some(Arc::new(hook));
        self
    }

    /// Runs once per deleted user, in the same transaction, with the row before it is marked as deleted or removed. For
    /// example, delete the rows that reference it. If the hook fails, nothing is deleted, and the result is
    /// [`SyncError::OnDelete`]. The next deletion of the user tries again.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")]
    /// # mod example {
    /// # use clerk_auth::{Clerk, SyncedUser, UserSync, schema::SchemaError};
    /// # #[derive(SyncedUser)]
    /// # #[synced_user(table = "users", tombstones = "clerk_tombstones", database(postgres))]
    /// # struct User { #[column(generated)] id: i64, clerk_id: String }
    /// async fn users(clerk: Clerk, pool: sqlx::PgPool) -> Result<UserSync<User>, SchemaError> {
    ///     UserSync::<User>::builder(clerk, pool)
    ///         .on_delete(|connection, user| {
    ///             Box::pin(async move {
    ///                 sqlx::query("DELETE FROM carts WHERE user_id = $1")
    ///                     .bind(user.id)
    ///                     .execute(connection)
    ///                     .await?;
    ///                 Ok(())
    ///             })
    ///         })
    ///         .build()
    ///         .await
    /// }
    /// # }
    /// ```
    ///
    /// [`SyncError::OnDelete`]: super::SyncError::OnDelete
    pub fn on_delete<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut <P::Database as Database>::Connection, &'a U) -> StoreFuture<'a, (), BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.settings.hooks.on_delete = Some(Arc::new(hook));
        self
    }

    /// Keeps bans, deletions and ends of sessions only in the memory of this process, without the table
    /// [`CREATE_DENIALS`](super::CREATE_DENIALS). Other processes do not receive them, and a restart drops them, so
    /// that unexpired tokens are accepted again. For an application that receives no webhooks and deletes no users.
    pub fn denials_in_memory(mut self) -> Self {
        self.settings.shares_denials = false;
        self
    }

    /// Refuses every session with 503 `denials_unavailable` while the table of denials cannot be read. The refusals
    /// begin five seconds after the database has stopped answering. By default a handler that takes the
    /// [`Session`](crate::Session) alone continues with the known denials, so that an outage of the database signs out
    /// no user.
    ///
    /// Applies to all uses of the [`Clerk`] handle. Each process then reads the table once a second.
    pub fn require_current_denials(mut self) -> Self {
        self.settings.requires_denials = true;
        self
    }

    /// Refuses the sessions of a user who is locked out, until the lockout ends. By default a lockout has no effect
    /// here: as in Clerk, it only prevents new sign-ins. Anyone with a user's e-mail address can cause a lockout by
    /// wrong passwords, and would thereby sign the user out.
    pub fn lockout_ends_sessions(mut self) -> Self {
        self.settings.lockout_ends_sessions = true;
        self
    }

    /// Runs for each delivery of Clerk's webhooks, in the transaction that applies it, for the application's own part
    /// of an event. If the hook fails, the delivery is rolled back, the answer is 503, and Clerk sends it again.
    ///
    /// Clerk may send a delivery more than once; see [`on_event_once`](Self::on_event_once).
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # mod example {
    /// # use clerk_auth::{Clerk, SyncedUser, UserSync, schema::SchemaError};
    /// # #[derive(SyncedUser)]
    /// # #[synced_user(table = "users", database(sqlite))]
    /// # struct User { clerk_id: String }
    /// use clerk_auth::webhook::Event;
    ///
    /// async fn users(clerk: Clerk, pool: sqlx::SqlitePool) -> Result<UserSync<User>, SchemaError> {
    ///     UserSync::<User>::builder(clerk, pool)
    ///         .on_event(|connection, delivery| {
    ///             Box::pin(async move {
    ///                 if let Event::OrganizationDeleted(organization) = &delivery.event {
    ///                     sqlx::query("DELETE FROM teams WHERE clerk_id = ?")
    ///                         .bind(organization.id.as_ref().map(|id| id.as_str().to_owned()))
    ///                         .execute(connection)
    ///                         .await?;
    ///                 }
    ///                 Ok(())
    ///             })
    ///         })
    ///         .build()
    ///         .await
    /// }
    /// # }
    /// ```
    pub fn on_event<F>(self, hook: F) -> Self
    where
        F: for<'a> Fn(
                &'a mut <P::Database as Database>::Connection,
                &'a Webhook,
            ) -> StoreFuture<'a, (), BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.event_hook(Arc::new(hook), false)
    }

    /// Like [`on_event`](Self::on_event), at most once for each delivery. The delivery's id is recorded in the same
    /// transaction, in the table of [`CREATE_DELIVERIES`](super::CREATE_DELIVERIES). Use it for actions that must not
    /// be repeated: a mail, a charge.
    pub fn on_event_once<F>(self, hook: F) -> Self
    where
        F: for<'a> Fn(
                &'a mut <P::Database as Database>::Connection,
                &'a Webhook,
            ) -> StoreFuture<'a, (), BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.event_hook(Arc::new(hook), true)
    }

    fn event_hook(mut self, hook: Arc<EventHook<P::Database>>, once: bool) -> Self {
        self.settings.hooks.on_event = Some(OnEvent { hook, once });
        self
    }

    /// Looks up a user in the Backend API if the token lacks the claims, because the template has not been saved. Also
    /// looks up a user whose row holds a unique value of another user. For trust and limits, see [what the Backend API
    /// is trusted with](crate::sync#what-the-backend-api-is-trusted-with).
    #[cfg(feature = "backend-api")]
    pub fn backend_api(mut self, api: BackendApi) -> Self {
        self.settings.backend_api = Some(api);
        self
    }
}

impl<U: SyncedUser, P: UserPool<U>> UserSyncBuilder<U, P> {
    /// Checks the tables, and starts the handle's background tasks.
    pub(super) async fn start(self) -> Result<Arc<Engine<U>>, SchemaError> {
        self.settings.start(self.pool).await
    }
}

#[cfg(feature = "postgres")]
impl<U: SyncedUser + StoredIn<sqlx::Postgres>> UserSyncBuilder<U, Pool<sqlx::Postgres>> {
    /// Declares that the pool's connections go through a pooler in transaction mode without prepared statements:
    /// PgBouncer before 1.21, or one with `max_prepared_statements = 0`. The pool must then be opened with
    /// [`statement_cache_capacity(0)`](sqlx::postgres::PgConnectOptions::statement_cache_capacity).
    ///
    /// Each statement runs in a transaction that begins with `BEGIN; DEALLOCATE ALL`: four round trips to the pooler
    /// instead of one. `LISTEN` has no effect there, so every request reads its row. See [behind a
    /// pooler](crate::sync#behind-a-pooler-in-transaction-mode).
    ///
    /// ```
    /// # mod example {
    /// # use clerk_auth::{Clerk, SyncedUser, UserSync, schema::SchemaError};
    /// # #[derive(SyncedUser)]
    /// # #[synced_user(table = "users", database(postgres))]
    /// # struct User { clerk_id: String }
    /// use sqlx::postgres::{PgConnectOptions, PgPool};
    ///
    /// async fn users(clerk: Clerk, pooler: PgConnectOptions) -> Result<UserSync<User>, SchemaError> {
    ///     let pool = PgPool::connect_lazy_with(pooler.statement_cache_capacity(0));
    ///     UserSync::builder(clerk, pool).transaction_pooling().build().await
    /// }
    /// # }
    /// ```
    pub fn transaction_pooling(mut self) -> Self {
        self.settings.transaction_pooling = true;
        self
    }
}
