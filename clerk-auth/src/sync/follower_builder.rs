//! Configures a handle on organizations or memberships before it starts.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use sqlx::Database;

use super::engine::Engine;
use super::error::SyncError;
use super::flow::{delete, webhook};
use super::followers::Follower;
use super::local::change_log::{self, Source};
use super::pool::UserPool;
use super::start::Settings;
use super::store::error::BoxError;
use super::store::hooks::StoreFuture;
use crate::row::{RowKind, SyncedRow};
use crate::schema::SchemaError;
use crate::time::Timestamp;
use crate::webhook::Webhook;

/// Builds a handle `H` on organizations or memberships; created by
/// [`OrganizationSync::builder`](super::OrganizationSync::builder) and
/// [`MembershipSync::builder`](super::MembershipSync::builder).
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// # use clerk_auth::{OrganizationSync, SyncedOrganization, SyncedUser, UserSync, schema::SchemaError};
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(postgres))]
/// # struct User { clerk_id: String }
/// # #[derive(SyncedOrganization)]
/// # #[synced_organization(table = "organizations", database(postgres))]
/// # struct Organization { #[column(generated)] id: i64, clerk_id: String, name: String }
/// async fn organizations(
///     users: &UserSync<User>,
///     pool: sqlx::PgPool,
/// ) -> Result<OrganizationSync<Organization>, SchemaError> {
///     OrganizationSync::<Organization>::builder(users, pool)
///         .on_insert(|connection, organization| {
///             Box::pin(async move {
///                 sqlx::query("INSERT INTO quotas (organization_id) VALUES ($1)")
///                     .bind(organization.id)
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
pub struct FollowerBuilder<R: SyncedRow, P: UserPool<R>, H> {
    pool: P,
    settings: Settings<R, P::Database>,
    handle: Box<dyn FnOnce(Arc<Engine<R>>) -> H + Send>,
}

impl<R: SyncedRow, P: UserPool<R>, H> fmt::Debug for FollowerBuilder<R, P, H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FollowerBuilder")
            .field("row", &R::NAME)
            .field("clerk", &self.settings.clerk)
            .finish_non_exhaustive()
    }
}

impl<R: SyncedRow, P: UserPool<R>, H> FollowerBuilder<R, P, H> {
    pub(super) fn new<U: SyncedRow>(
        users: &Arc<Engine<U>>,
        pool: P,
        follower: impl FnOnce(Arc<Engine<R>>) -> Arc<dyn Follower> + Send + 'static,
        handle: impl FnOnce(Arc<Engine<R>>) -> H + Send + 'static,
    ) -> Self {
        let followed = Arc::clone(users);
        Self {
            pool,
            settings: Settings {
                timeout: users.timeout,
                transaction_pooling: users.transaction_pooling,
                ..Settings::new(users.clerk.clone())
            },
            handle: Box::new(move |engine| {
                followed.followers.add(follower(Arc::clone(&engine)));
                handle(engine)
            }),
        }
    }

    /// Runs once per row, in the transaction that inserts it; see
    /// [`UserSyncBuilder::on_insert`](super::UserSyncBuilder::on_insert). The hook does not run for a member who
    /// returns, because the row already exists.
    pub fn on_insert<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut <P::Database as Database>::Connection, &'a R) -> StoreFuture<'a, (), BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.settings.hooks.on_insert = Some(Arc::new(hook));
        self
    }

    /// Runs in the transaction of a deletion, with the row before it is marked as deleted or removed; see
    /// [`UserSyncBuilder::on_delete`](super::UserSyncBuilder::on_delete).
    pub fn on_delete<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut <P::Database as Database>::Connection, &'a R) -> StoreFuture<'a, (), BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.settings.hooks.on_delete = Some(Arc::new(hook));
        self
    }

    /// Checks the table and starts.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the database does not answer, or if the table cannot serve the statements of the struct.
    pub async fn build(self) -> Result<H, SchemaError> {
        let engine = self.settings.start(self.pool).await?;
        Ok((self.handle)(engine))
    }
}

impl<R: SyncedRow> Follower for Engine<R> {
    fn apply<'a>(&'a self, delivery: &'a Webhook) -> StoreFuture<'a, (), SyncError> {
        Box::pin(webhook::apply(self, delivery, ready(Ok(false))))
    }

    fn end_membership<'a>(&'a self, key: &'a str, ended_by: Timestamp) -> StoreFuture<'a, (), SyncError> {
        Box::pin(async move {
            if R::KIND == RowKind::Membership {
                let ended = delete::end_row(self, key, ended_by).await?;
                change_log::deleted::<R>(key, ended, Source::Application);
            }
            Ok(())
        })
    }
}
