//! Applies deliveries to rows of memberships, which reference the rows of their user and organization.

use std::sync::{Arc, Weak};

use super::engine::Engine;
use super::error::SyncError;
use super::flow::webhook;
use super::followers::Follower;
use super::store::hooks::StoreFuture;
use crate::row::SyncedMembership;
use crate::time::Timestamp;
use crate::token::Refusal;
use crate::webhook::{Event, Webhook};

/// The engine of memberships, and the engines of the referenced rows.
pub(super) struct MembershipFollower<M: SyncedMembership> {
    pub(super) memberships: Arc<Engine<M>>,
    /// Weak, because this engine owns the follower. With a strong reference, both and the pool would outlive the last
    /// handle.
    pub(super) users: Weak<Engine<M::User>>,
    pub(super) organizations: Arc<Engine<M::Organization>>,
}

impl<M: SyncedMembership> Follower for MembershipFollower<M> {
    fn apply<'a>(&'a self, delivery: &'a Webhook) -> StoreFuture<'a, (), SyncError> {
        let is_removed = self.is_reference_removed(&delivery.event);
        Box::pin(webhook::apply(&self.memberships, delivery, is_removed))
    }

    fn end_membership<'a>(&'a self, key: &'a str, ended_by: Timestamp) -> StoreFuture<'a, (), SyncError> {
        self.memberships.end_membership(key, ended_by)
    }
}

impl<M: SyncedMembership> MembershipFollower<M> {
    /// Returns whether the row of the event's user or organization was removed permanently.
    async fn is_reference_removed(&self, event: &Event) -> Result<bool, SyncError> {
        let (Event::OrganizationMembershipCreated(membership)
        | Event::OrganizationMembershipUpdated(membership)
        | Event::OrganizationMembershipDeleted(membership)) = event
        else {
            return Ok(false);
        };
        let Some(user_id) = &membership.user_id else {
            return Ok(false);
        };
        let organization_id = &membership.organization_id;
        // The handle on users applies this delivery, so its engine exists until then.
        let users = self.users.upgrade().ok_or(SyncError::Unavailable)?;
        let denied = users.clerk.denied_user(user_id.as_str(), users.clerk.now());
        Ok(denied == Some(Refusal::UserDeleted)
            || users.store.has_tombstone(user_id.as_str()).await?
            || self
                .organizations
                .store
                .has_tombstone(organization_id.as_str())
                .await?)
    }
}
