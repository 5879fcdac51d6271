//! Organizations as their members see and manage them.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::request::FrontendRequest;
use crate::dev::clients::LiveSession;
use crate::dev::deliveries::Faults;
use crate::dev::instance::Instance;
use crate::dev::random_id::random_id;
use crate::testing::endpoints::locked;

/// The role of the person who creates an organization.
const CREATOR: &str = "org:admin";

impl Instance {
    /// `POST /organizations`.
    pub(super) fn create_organization(
        &self,
        session: &LiveSession,
        request: &FrontendRequest,
    ) -> Result<Value, Refusal> {
        let name = request
            .get("name")
            .ok_or_else(|| Refusal::parameter("form_param_missing", "name", "expected a name"))?;
        let slug = name.to_lowercase().replace(' ', "-");
        let slug = request.get("slug").unwrap_or(&slug);
        let id = random_id("org");
        self.change_organization(&id, Some(name), Some(slug), Faults::default());
        self.change_member(&id, &session.user_id, CREATOR, &[], Faults::default());
        self.organization(session, &id)
    }

    /// `GET /organizations/{id}`.
    pub(super) fn organization(&self, session: &LiveSession, id: &str) -> Result<Value, Refusal> {
        let organizations = locked(&self.organizations);
        let member = organizations.member(id, &session.user_id);
        member
            .and_then(|_| organizations.get(id))
            .ok_or_else(|| Refusal::not_found("organization"))
    }

    /// `GET /organizations/{id}/memberships`.
    pub(super) fn members(&self, session: &LiveSession, id: &str) -> Result<Value, Refusal> {
        self.organization(session, id)?;
        let organizations = locked(&self.organizations);
        let users = locked(&self.endpoints.users);
        let members: Vec<Value> = organizations
            .of_organization(id)
            .map(|member| {
                let user = users.get(&member.user_id).unwrap_or_default();
                organizations.membership_object(member, &user)
            })
            .collect();
        Ok(json!({ "total_count": members.len(), "data": members }))
    }

    /// `POST /organizations/{id}/memberships`, and `PATCH` of one. Only administrators may.
    pub(super) fn put_member(
        &self,
        session: &LiveSession,
        id: &str,
        user_id: &str,
        request: &FrontendRequest,
    ) -> Result<Value, Refusal> {
        self.check_administrator(session, id)?;
        let role = request
            .get("role")
            .ok_or_else(|| Refusal::parameter("form_param_missing", "role", "expected a role"))?;
        let known = locked(&self.organizations).member(id, user_id).cloned();
        let permissions = known.filter(|known| known.role == role);
        let permissions = permissions.map(|known| known.permissions).unwrap_or_default();
        let changed = self.change_member(id, user_id, role, &permissions, Faults::default());
        let (membership, _) = changed.ok_or_else(|| Refusal::not_found("user"))?;
        Ok(membership)
    }

    /// `DELETE /organizations/{id}/memberships/{user_id}`. Members may leave.
    pub(super) fn delete_member(
        &self,
        session: &LiveSession,
        id: &str,
        user_id: &str,
    ) -> Result<Value, Refusal> {
        if user_id != session.user_id {
            self.check_administrator(session, id)?;
        }
        let removed = self.remove_member(id, user_id, Faults::default());
        let (membership, _) = removed.ok_or_else(|| Refusal::not_found("membership"))?;
        Ok(membership)
    }

    fn check_administrator(&self, session: &LiveSession, id: &str) -> Result<(), Refusal> {
        let organizations = locked(&self.organizations);
        let member = organizations.member(id, &session.user_id);
        if member.is_some_and(|member| member.role == CREATOR) {
            return Ok(());
        }
        Err(Refusal::forbidden(
            "missing_organization_permission",
            "the user is not an administrator of such an organization",
        ))
    }
}
