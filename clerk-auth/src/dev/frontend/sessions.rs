//! The sessions of a browser: their tokens, the active organization and their end.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::request::FrontendRequest;
use crate::dev::clients::{End, LiveSession};
use crate::dev::instance::Instance;
use crate::testing::endpoints::locked;
use crate::time::{Clock, SystemClock};

impl Instance {
    /// Returns a session of this browser.
    pub(super) fn live_session(&self, client_id: &str, session_id: &str) -> Result<LiveSession, Refusal> {
        let clients = locked(&self.clients);
        let session = clients.session(client_id, session_id).cloned();
        session.ok_or_else(Refusal::not_signed_in)
    }

    /// `POST /client/sessions/{id}/touch`: makes the session and an organization active.
    pub(super) fn touch(&self, session: &LiveSession, request: &FrontendRequest) -> Result<Value, Refusal> {
        let organization_id = request.get("active_organization_id");
        if let Some(id) = organization_id {
            self.check_member(id, &session.user_id)?;
        }
        let mut clients = locked(&self.clients);
        let touched = clients
            .session_mut(&session.client_id, &session.id)
            .ok_or_else(Refusal::not_signed_in)?;
        if request.has("active_organization_id") {
            touched.organization_id = organization_id.map(str::to_owned);
        }
        // A pending session waits for the choice of an organization.
        touched.is_pending &= organization_id.is_none();
        touched.updated_at = SystemClock.now();
        let touched = touched.clone();
        if let Some(client) = clients.get_mut(&session.client_id) {
            client.last_active_session_id = Some(session.id.clone());
        }
        drop(clients);
        Ok(self.session_object(&touched, request.party.as_deref()))
    }

    /// `POST /client/sessions/{id}/tokens`.
    pub(super) fn token(&self, session: &LiveSession, request: &FrontendRequest) -> Result<Value, Refusal> {
        let organization_id = match request.get("organization_id") {
            Some(id) => {
                self.check_member(id, &session.user_id)?;
                Some(id)
            }
            // Null is the personal account.
            None if request.has("organization_id") => None,
            None => session.organization_id.as_deref(),
        };
        let insists_on_origin = request.get("force_origin") == Some("true");
        let previous = request.get("token").filter(|_| !insists_on_origin);
        let token = previous
            .and_then(|previous| self.edge_token(session, organization_id, previous))
            .or_else(|| self.session_token(session, organization_id, request.party.as_deref()))
            .ok_or_else(Refusal::not_signed_in)?;
        Ok(json!({ "object": "token", "jwt": token }))
    }

    /// `POST /client/sessions/{id}/end` and `/remove`.
    pub(super) fn end_session(&self, session: &LiveSession, end: End) -> Value {
        self.end_sessions(end, |live| live.id == session.id);
        let mut object = self.session_object(session, None);
        object["status"] = end.as_str().into();
        object["last_active_token"] = Value::Null;
        object
    }

    fn check_member(&self, organization_id: &str, user_id: &str) -> Result<(), Refusal> {
        let organizations = locked(&self.organizations);
        if organizations.member(organization_id, user_id).is_some() {
            return Ok(());
        }
        Err(Refusal::forbidden(
            "organization_not_found_or_unauthorized",
            "the user is not a member of such an organization",
        ))
    }
}
