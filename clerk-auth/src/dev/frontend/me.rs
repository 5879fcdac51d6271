//! The signed-in user's own profile and memberships.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::request::FrontendRequest;
use crate::dev::clients::LiveSession;
use crate::dev::deliveries::Faults;
use crate::dev::instance::Instance;
use crate::dev::user_request::UserChange;
use crate::testing::endpoints::locked;

impl Instance {
    /// `GET /me`.
    pub(super) fn me(&self, session: &LiveSession) -> Result<Value, Refusal> {
        let user = locked(&self.endpoints.users).get(&session.user_id);
        let user = user.ok_or_else(|| Refusal::not_found("user"))?;
        Ok(self.own_user_object(&user))
    }

    /// `PATCH /me`: names only. An empty name clears.
    pub(super) fn change_me(
        &self,
        session: &LiveSession,
        request: &FrontendRequest,
    ) -> Result<Value, Refusal> {
        let name = |parameter| {
            let name = request.get(parameter).map(str::to_owned);
            request.has(parameter).then_some(name)
        };
        let change = UserChange {
            first_name: name("first_name"),
            last_name: name("last_name"),
            ..UserChange::default()
        };
        self.change_user(&session.user_id, &change, Faults::default())
            .ok_or_else(|| Refusal::not_found("user"))?;
        self.me(session)
    }

    /// `GET /me/organization_memberships`.
    pub(super) fn my_memberships(&self, session: &LiveSession) -> Result<Value, Refusal> {
        let mut me = self.me(session)?;
        let memberships = me["organization_memberships"].take();
        let count = memberships.as_array().map_or(0, Vec::len);
        Ok(json!({ "data": memberships, "total_count": count }))
    }
}
