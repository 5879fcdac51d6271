//! `OrganizationSync`: the handle that turns the active organization of a session into a row.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::Extensions;
use sqlx::{Database, Pool};
use tracing::Instrument;

use super::engine::Engine;
use super::error::SyncError;
use super::flow::member::Lacking;
use super::flow::{read_together, request};
use super::follower_builder::FollowerBuilder;
#[cfg(feature = "backend-api")]
use super::followers::Followed;
use super::handle::UserSync;
use super::model::observation::clerk_id;
use super::model::outcome::Synced;
use super::pool::UserPool;
use crate::clerk::Clerk;
use crate::row::{SyncedOrganization, SyncedUser};
use crate::schema::SchemaError;
use crate::session::Session;

/// Keeps the rows of `O` equal to Clerk's organizations, from tokens and webhooks. Put it into the application's state
/// with the [`UserSync`] that it follows. Cloning is cheap.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use clerk_auth::schema::SchemaError;
/// use clerk_auth::{OrganizationSync, SyncedOrganization, SyncedUser, UserSync};
///
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(postgres))]
/// # struct User { clerk_id: String }
/// #[derive(SyncedOrganization)]
/// #[synced_organization(table = "organizations", database(postgres))]
/// struct Organization {
///     clerk_id: String,
///     name: String,
/// }
///
/// async fn organizations(
///     users: &UserSync<User>,
///     pool: sqlx::PgPool,
/// ) -> Result<OrganizationSync<Organization>, SchemaError> {
///     OrganizationSync::new(users, pool).await
/// }
/// # }
/// ```
///
/// Deliveries to [`webhooks`](crate::routing::webhooks) of the same `UserSync` also change the organizations' rows.
/// They are answered 204 only after both were written.
pub struct OrganizationSync<O> {
    pub(super) engine: Arc<Engine<O>>,
    /// The handle on users, which records deletions.
    #[cfg(feature = "backend-api")]
    pub(super) followed: Arc<dyn Followed>,
}

impl<O: SyncedOrganization> OrganizationSync<O> {
    /// Creates a handle on the rows of `O` in `pool`, for the Clerk instance of `users`.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the database does not answer, or if its table cannot serve the statements of `O`; the message
    /// contains the remedy.
    pub fn new<U: SyncedUser, DB: Database>(
        users: &UserSync<U>,
        pool: Pool<DB>,
    ) -> Pin<Box<dyn Future<Output = Result<Self, SchemaError>> + Send>>
    where
        Pool<DB>: UserPool<O>,
    {
        Box::pin(Self::builder(users, pool).build())
    }

    /// Configures a handle on the rows of `O` in `pool`. The builder inherits the timeout and the kind of pooler of
    /// `users`.
    pub fn builder<U: SyncedUser, DB: Database>(
        users: &UserSync<U>,
        pool: Pool<DB>,
    ) -> FollowerBuilder<O, Pool<DB>, Self>
    where
        Pool<DB>: UserPool<O>,
    {
        #[cfg(feature = "backend-api")]
        let followed = Arc::clone(&users.engine) as Arc<dyn Followed>;
        FollowerBuilder::new(
            &users.engine,
            pool,
            |engine| engine,
            move |engine| Self {
                engine,
                #[cfg(feature = "backend-api")]
                followed,
            },
        )
    }

    /// Returns the row of a verified session's active organization. Writes only if a claim has changed. Returns `None`
    /// if no organization is active, or if the user has left it.
    ///
    /// # Errors
    ///
    /// Those of [`UserSync::sync`], with [`SyncError::OrganizationDeleted`] instead of [`SyncError::UserDeleted`], and
    /// [`SyncError::MembershipEnded`] if the user has left the organization since the session was verified.
    pub async fn sync(&self, session: &Session) -> Result<Option<Synced<O>>, SyncError> {
        let Some(Synced { user: row, outcome }) = self.sync_shared(session).await? else {
            return Ok(None);
        };
        let user = request::by_value(&self.engine, session, row).await?;
        Ok(Some(Synced { user, outcome }))
    }

    /// Like [`sync`](Self::sync), without copying a row that is shared with other requests.
    ///
    /// # Errors
    ///
    /// Those of [`sync`](Self::sync).
    pub async fn sync_shared(&self, session: &Session) -> Result<Option<Synced<Arc<O>>>, SyncError> {
        let Some(clerk_id) = clerk_id::<O>(session) else {
            return Ok(None);
        };
        let engine = &self.engine;
        let now = engine.clerk.now();
        if engine.clerk.has_left_since(session, now) {
            return Err(SyncError::MembershipEnded);
        }
        let span = tracing::debug_span!(
            "organization_sync",
            table = O::TABLE,
            user_id = session.sub(),
            organization_id = &*clerk_id
        );
        let synced = request::row(engine, session, &clerk_id, now)
            .instrument(span)
            .await;
        request::record(engine, &clerk_id, &synced);
        synced.map(Some).map_err(SyncError::of::<O>)
    }

    pub(crate) fn clerk(&self) -> &Clerk {
        &self.engine.clerk
    }

    /// Returns the session's row by value; `None` if no organization is active.
    pub(crate) async fn find_active(
        &self,
        session: &Session,
        others: &mut Extensions,
    ) -> Result<Option<O>, Lacking> {
        let find = async { self.sync_shared(session).await.map_err(Lacking::new::<O>) };
        read_together::take_or(&self.engine, session, others, find).await
    }
}

impl<O> Clone for OrganizationSync<O> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            #[cfg(feature = "backend-api")]
            followed: Arc::clone(&self.followed),
        }
    }
}

impl<O: SyncedOrganization> fmt::Debug for OrganizationSync<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OrganizationSync")
            .field("organization", &O::NAME)
            .field("clerk", &self.engine.clerk)
            .finish_non_exhaustive()
    }
}
