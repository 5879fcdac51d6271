//! `Member`: the signed-in user as a member of the active organization, with all three rows.

use std::fmt;
use std::sync::Arc;

use super::model::outcome::{SyncOutcome, Synced};
use crate::row::SyncedMembership;

/// The signed-in user as a member of the active organization: three rows that were read together.
///
/// The first parameter of a handler under `#[authenticated]`, if the state provides a
/// [`MembershipSync`](crate::MembershipSync). The rows are shared with the cache, not copied.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// use clerk_auth::{Member, SyncedMembership, SyncedOrganization, SyncedUser, authenticated};
///
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # pub struct User { pub clerk_id: String }
/// #[derive(SyncedOrganization)]
/// #[synced_organization(table = "organizations", database(sqlite))]
/// pub struct Organization {
///     pub clerk_id: String,
///     pub name: String,
/// }
///
/// #[derive(SyncedMembership)]
/// #[synced_membership(table = "memberships", user = User, organization = Organization, database(sqlite))]
/// pub struct Membership {
///     pub user_id: String,
///     pub organization_id: String,
///     pub role: String,
/// }
///
/// #[authenticated]
/// async fn badge(member: Member<Membership>) -> String {
///     format!("{}, {} of {}", member.user.clerk_id, member.membership.role, member.organization.name)
/// }
/// # }
/// ```
///
/// Without an active organization, the answer is 403 `organization_required`. To serve users without an organization
/// too, take `Option<Member<_>>`. A test creates a member from three rows with [`Member::from`].
#[non_exhaustive]
pub struct Member<M: SyncedMembership> {
    /// The row of the user.
    pub user: Arc<M::User>,
    /// The row of the active organization.
    pub organization: Arc<M::Organization>,
    /// The row of the user's membership in the organization.
    pub membership: Arc<M>,
    /// The outcome of sync for the user's row.
    pub user_outcome: SyncOutcome,
    /// The outcome of sync for the organization's row.
    pub organization_outcome: SyncOutcome,
    /// The outcome of sync for the membership's row.
    pub membership_outcome: SyncOutcome,
}

impl<M: SyncedMembership> Member<M> {
    pub(super) fn new(
        user: Synced<Arc<M::User>>,
        organization: Synced<Arc<M::Organization>>,
        membership: Synced<Arc<M>>,
    ) -> Self {
        Self {
            user: user.user,
            organization: organization.user,
            membership: membership.user,
            user_outcome: user.outcome,
            organization_outcome: organization.outcome,
            membership_outcome: membership.outcome,
        }
    }
}

/// Creates a member from three rows, with the outcome `Cached` for each.
impl<M: SyncedMembership> From<(M::User, M::Organization, M)> for Member<M> {
    fn from((user, organization, membership): (M::User, M::Organization, M)) -> Self {
        Self {
            user: user.into(),
            organization: organization.into(),
            membership: membership.into(),
            user_outcome: SyncOutcome::Cached,
            organization_outcome: SyncOutcome::Cached,
            membership_outcome: SyncOutcome::Cached,
        }
    }
}

impl<M: SyncedMembership> Clone for Member<M> {
    fn clone(&self) -> Self {
        Self {
            user: Arc::clone(&self.user),
            organization: Arc::clone(&self.organization),
            membership: Arc::clone(&self.membership),
            ..*self
        }
    }
}

impl<M> fmt::Debug for Member<M>
where
    M: SyncedMembership + fmt::Debug,
    M::User: fmt::Debug,
    M::Organization: fmt::Debug,
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Member")
            .field("user", &self.user)
            .field("organization", &self.organization)
            .field("membership", &self.membership)
            .finish_non_exhaustive()
    }
}
