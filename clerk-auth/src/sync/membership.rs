//! `MembershipSync`: the handle that turns a session's membership in the active organization into a row.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::Extensions;
use sqlx::{Database, Pool};
use tracing::Instrument;

use super::engine::Engine;
use super::error::SyncError;
use super::flow::member::{self, Lacking};
use super::flow::read_together::{self, Members};
use super::flow::request;
use super::follower_builder::FollowerBuilder;
#[cfg(feature = "backend-api")]
use super::followers::Followed;
use super::followers::Follower;
use super::handle::UserSync;
use super::member::Member;
use super::membership_follower::MembershipFollower;
use super::model::observation::clerk_id;
use super::model::outcome::Synced;
use super::organization::OrganizationSync;
use super::pool::MemberPool;
use super::pool::sealed::Joins;
use crate::clerk::Clerk;
use crate::row::SyncedMembership;
use crate::schema::SchemaError;
use crate::session::Session;

/// Keeps the rows of `M` equal to Clerk's memberships, from tokens and webhooks. Put it into the application's state
/// with the handles on users and organizations. Cloning is cheap.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use clerk_auth::schema::SchemaError;
/// use clerk_auth::{MembershipSync, OrganizationSync, SyncedMembership, SyncedOrganization, SyncedUser, UserSync};
///
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(postgres))]
/// # struct User { clerk_id: String }
/// # #[derive(SyncedOrganization)]
/// # #[synced_organization(table = "organizations", database(postgres))]
/// # struct Organization { #[column(generated)] id: i64, clerk_id: String }
/// #[derive(SyncedMembership)]
/// #[synced_membership(table = "memberships", user = User, organization = Organization, database(postgres))]
/// struct Membership {
///     user_id: String,
///     organization_id: i64,
///     role: String,
/// }
///
/// async fn memberships(
///     users: &UserSync<User>,
///     organizations: &OrganizationSync<Organization>,
///     pool: sqlx::PgPool,
/// ) -> Result<MembershipSync<Membership>, SchemaError> {
///     MembershipSync::new(users, organizations, pool).await
/// }
/// # }
/// ```
///
/// Give the three handles clones of one pool, so that a request reads all rows of a member with one statement. With
/// different pools, the handles read one row at a time.
pub struct MembershipSync<M: SyncedMembership> {
    pub(super) engine: Arc<Engine<M>>,
    users: UserSync<M::User>,
    organizations: OrganizationSync<M::Organization>,
    /// `None` if the handles have different pools.
    together: Option<Arc<Members<M>>>,
}

impl<M: SyncedMembership> MembershipSync<M> {
    /// Creates a handle on the rows of `M` in `pool`, which must be the database of users and organizations.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the database does not answer, or if its table cannot serve the statements of `M`; the message
    /// contains the remedy.
    pub fn new<DB: Database>(
        users: &UserSync<M::User>,
        organizations: &OrganizationSync<M::Organization>,
        pool: Pool<DB>,
    ) -> Pin<Box<dyn Future<Output = Result<Self, SchemaError>> + Send>>
    where
        Pool<DB>: MemberPool<M>,
    {
        Box::pin(Self::builder(users, organizations, pool).build())
    }

    /// Configures a handle on the rows of `M` in `pool`. The builder inherits the timeout and the kind of pooler of
    /// `users`.
    pub fn builder<DB: Database>(
        users: &UserSync<M::User>,
        organizations: &OrganizationSync<M::Organization>,
        pool: Pool<DB>,
    ) -> FollowerBuilder<M, Pool<DB>, Self>
    where
        Pool<DB>: MemberPool<M>,
    {
        let (followed, users, organizations) = (&users.engine, users.clone(), organizations.clone());
        let referenced = (Arc::downgrade(followed), Arc::clone(&organizations.engine));
        let follower = move |memberships| {
            let (users, organizations) = referenced;
            let follower = MembershipFollower {
                memberships,
                users,
                organizations,
            };
            Arc::new(follower) as Arc<dyn Follower>
        };
        FollowerBuilder::new(followed, pool, follower, move |engine| {
            let joined = <Pool<DB> as Joins<M>>::join(
                Arc::clone(&users.engine.store),
                Arc::clone(&organizations.engine.store),
                Arc::clone(&engine.store),
            );
            let together = joined.map(|joined| {
                Arc::new(Members {
                    organizations: Arc::clone(&organizations.engine),
                    memberships: Arc::clone(&engine),
                    joined,
                })
            });
            if let Some(together) = &together {
                // With several membership structs, only the first is read together with users.
                users.members.get_or_init(|| Arc::clone(together) as _);
            }
            Self {
                engine,
                users,
                organizations,
                together,
            }
        })
    }

    /// Returns the user, the organization and the membership of a verified session, from memory or with one statement.
    /// Writes only if a claim has changed. New rows are inserted in one transaction, with the hooks of each. Returns
    /// `None` if no organization is active, or if the user has left it.
    ///
    /// # Errors
    ///
    /// Those of [`UserSync::sync`] and [`OrganizationSync::sync`], and [`SyncError::MembershipEnded`].
    pub async fn member(&self, session: &Session) -> Result<Option<Member<M>>, SyncError> {
        Ok(self.find_member(session).await?)
    }

    pub(crate) async fn find_member(&self, session: &Session) -> Result<Option<Member<M>>, Lacking> {
        let (Some(organization_id), Some(key)) =
            (clerk_id::<M::Organization>(session), clerk_id::<M>(session))
        else {
            return Ok(None);
        };
        if self.engine.clerk.has_left_since(session, self.engine.clerk.now()) {
            return Err(Lacking::new::<M>(SyncError::MembershipEnded));
        }
        if let Some(together) = &self.together {
            let engines = together.engines(&self.users.engine);
            let span = tracing::debug_span!(
                "member_sync",
                table = M::TABLE,
                user_id = session.sub(),
                organization_id = &*organization_id
            );
            let keys = [session.sub(), &*organization_id, &*key];
            let rows = member::rows(&engines, session, keys).instrument(span).await?;
            if let Some(rows) = rows {
                return Ok(Some(Member::new(rows.user, rows.organization, rows.membership)));
            }
        }
        Box::pin(self.read_one_by_one(session)).await
    }

    async fn read_one_by_one(&self, session: &Session) -> Result<Option<Member<M>>, Lacking> {
        let user = self.users.sync_shared(session).await;
        let user = user.map_err(Lacking::new::<M::User>)?;
        let organization = self.organizations.sync_shared(session).await;
        let organization = organization.map_err(Lacking::new::<M::Organization>)?;
        let membership = self.find(session).await?;
        Ok(match (organization, membership) {
            (Some(organization), Some(membership)) => Some(Member::new(user, organization, membership)),
            _ => None,
        })
    }

    /// Returns the row of a verified session's membership in the active organization. Writes only if a claim has
    /// changed. A member's first request also writes the rows of the user and the organization, because the membership
    /// references them. Returns `None` if no organization is active, or if the user has left it.
    ///
    /// # Errors
    ///
    /// Those of [`UserSync::sync`] and [`OrganizationSync::sync`], and [`SyncError::MembershipEnded`].
    pub async fn sync(&self, session: &Session) -> Result<Option<Synced<M>>, SyncError> {
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
    pub async fn sync_shared(&self, session: &Session) -> Result<Option<Synced<Arc<M>>>, SyncError> {
        Ok(self.find(session).await?)
    }

    pub(crate) async fn find(&self, session: &Session) -> Result<Option<Synced<Arc<M>>>, Lacking> {
        let Some(key) = clerk_id::<M>(session) else {
            return Ok(None);
        };
        if self.engine.clerk.has_left_since(session, self.engine.clerk.now()) {
            return Err(Lacking::new::<M>(SyncError::MembershipEnded));
        }
        let mut synced = self.row(session, &key).await;
        if synced.as_ref().is_err_and(SyncError::is_of_a_missing_reference) {
            let user = self.users.sync_shared(session).await;
            user.map_err(Lacking::new::<M::User>)?;
            let organization = self.organizations.sync_shared(session).await;
            organization.map_err(Lacking::new::<M::Organization>)?;
            synced = self.row(session, &key).await;
        }
        request::record(&self.engine, &key, &synced);
        synced.map(Some).map_err(Lacking::new::<M>)
    }

    async fn row(&self, session: &Session, key: &str) -> Result<Synced<Arc<M>>, SyncError> {
        let engine = &self.engine;
        let span = tracing::debug_span!("membership_sync", table = M::TABLE, user_id = session.sub());
        request::row(engine, session, key, engine.clerk.now())
            .instrument(span)
            .await
    }

    /// The handle on users, which records ends.
    #[cfg(feature = "backend-api")]
    pub(super) fn followed(&self) -> Arc<dyn Followed> {
        Arc::clone(&self.users.engine) as Arc<dyn Followed>
    }

    pub(crate) fn clerk(&self) -> &Clerk {
        &self.engine.clerk
    }

    /// Returns the session's row by value; `None` if no organization is active.
    pub(crate) async fn find_active(
        &self,
        session: &Session,
        others: &mut Extensions,
    ) -> Result<Option<M>, Lacking> {
        read_together::take_or(&self.engine, session, others, self.find(session)).await
    }
}

impl<M: SyncedMembership> Clone for MembershipSync<M> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            users: self.users.clone(),
            organizations: self.organizations.clone(),
            together: self.together.clone(),
        }
    }
}

impl<M: SyncedMembership> fmt::Debug for MembershipSync<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MembershipSync")
            .field("membership", &M::NAME)
            .field("clerk", &self.engine.clerk)
            .finish_non_exhaustive()
    }
}
