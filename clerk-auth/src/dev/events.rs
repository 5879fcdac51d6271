//! Changes that send a webhook to the application, from the control requests or the front end.

use serde_json::Value;

use super::clients::{End, LiveSession};
use super::deliveries::Faults;
use super::directory::{Changed, change};
use super::instance::Instance;
use super::organizations::Membership;
use super::user_request::UserChange;
use crate::testing::endpoints::locked;
use crate::testing::session_object;
use crate::time::{Clock, SystemClock};

impl Instance {
    /// Changes a user, or adds one, and ends the sessions of a user who is banned. Returns the user and the id of the
    /// delivery, or `None` for a user who was deleted.
    pub(super) fn change_user(
        &self,
        user_id: &str,
        changes: &UserChange,
        faults: Faults,
    ) -> Option<(Value, String)> {
        let changed = change(&self.endpoints, user_id, changes, SystemClock.now())?;
        let Changed { user, is_new } = changed;
        let event_type = if is_new { "user.created" } else { "user.updated" };
        let delivery = self.deliveries.send(event_type, user.clone(), faults);
        if user["banned"] == true {
            self.end_sessions(End::Revoked, |session| session.user_id == user_id);
        }
        Some((user, delivery))
    }

    /// Ends the sessions to which `is_over` applies. Returns the ids of the deliveries.
    pub(super) fn end_sessions(&self, end: End, is_over: impl Fn(&LiveSession) -> bool) -> Vec<String> {
        self.end_sessions_with(end, Faults::default(), is_over)
    }

    /// Like `end_sessions`, with faulty deliveries.
    pub(super) fn end_sessions_with(
        &self,
        end: End,
        faults: Faults,
        is_over: impl Fn(&LiveSession) -> bool,
    ) -> Vec<String> {
        let now = SystemClock.now();
        let ended = locked(&self.clients).end(now, is_over);
        let deliveries = ended.iter().map(|session| {
            let mut object = session_object(&session.id, &session.user_id, end.as_str(), now);
            object["client_id"] = session.client_id.as_str().into();
            let event_type = format!("session.{}", end.as_str());
            self.deliveries.send(&event_type, object, faults)
        });
        deliveries.collect()
    }

    /// Makes a user a member of an organization, or changes the role. Returns the membership, or `None` if there is no
    /// such organization or user.
    pub(super) fn change_member(
        &self,
        organization_id: &str,
        user_id: &str,
        role: &str,
        permissions: &[String],
        faults: Faults,
    ) -> Option<(Value, String)> {
        let user = locked(&self.endpoints.users).get(user_id)?;
        let mut organizations = locked(&self.organizations);
        let now = SystemClock.now();
        let (membership, is_new) =
            organizations.put_member(organization_id, user_id, role, permissions, now)?;
        let object = organizations.membership_object(&membership, &user);
        drop(organizations);
        let event_type = if is_new {
            "organizationMembership.created"
        } else {
            "organizationMembership.updated"
        };
        let delivery = self.deliveries.send(event_type, object.clone(), faults);
        Some((object, delivery))
    }

    /// Ends a membership. Returns the former membership, if any.
    pub(super) fn remove_member(
        &self,
        organization_id: &str,
        user_id: &str,
        faults: Faults,
    ) -> Option<(Value, String)> {
        let user = locked(&self.endpoints.users).get(user_id).unwrap_or_default();
        let mut organizations = locked(&self.organizations);
        let membership: Membership = organizations.remove_member(organization_id, user_id)?;
        let object = organizations.membership_object(&membership, &user);
        drop(organizations);
        locked(&self.clients).leave_organization(organization_id, |session| session.user_id == user_id);
        let delivery = self
            .deliveries
            .send("organizationMembership.deleted", object.clone(), faults);
        Some((object, delivery))
    }

    /// Adds an organization, or changes its name and slug. Returns the organization and the id of the delivery.
    pub(super) fn change_organization(
        &self,
        id: &str,
        name: Option<&str>,
        slug: Option<&str>,
        faults: Faults,
    ) -> (Value, String) {
        let (organization, is_new) = locked(&self.organizations).put(id, name, slug, SystemClock.now());
        let event_type = if is_new {
            "organization.created"
        } else {
            "organization.updated"
        };
        let delivery = self.deliveries.send(event_type, organization.clone(), faults);
        (organization, delivery)
    }

    /// Deletes an organization with its memberships. Returns the id of the delivery, or `None` if the organization does
    /// not exist.
    pub(super) fn delete_organization(&self, id: &str, faults: Faults) -> Option<String> {
        let organization = locked(&self.organizations).remove(id)?;
        locked(&self.clients).leave_organization(id, |_| true);
        let gone = serde_json::json!({
            "id": id,
            "object": "organization",
            "slug": organization["slug"],
            "deleted": true,
        });
        Some(self.deliveries.send("organization.deleted", gone, faults))
    }
}
