//! Session tokens for the sessions of Clerk's front end, as Clerk's origin and edge mint them.

use serde_json::{Value, json};

use super::clients::LiveSession;
use super::instance::{Instance, Minter};
use crate::testing::endpoints::locked;
use crate::testing::{SessionToken, membership_object};
use crate::time::{Clock, SystemClock};

impl Instance {
    /// Mints a token at the origin, from the current user and organization. `party` is the origin of the page that made
    /// the request. Returns `None` if the user does not exist.
    pub(super) fn session_token(
        &self,
        session: &LiveSession,
        organization_id: Option<&str>,
        party: Option<&str>,
    ) -> Option<String> {
        let now = SystemClock.now();
        let user = locked(&self.endpoints.users).get(&session.user_id)?;
        let minutes = (now.as_secs() - session.created_at.as_secs()).max(0) / 60;
        let mut token = self
            .issuer
            .token(&session.user_id)
            .template(self.template, &user)
            .issued_at(now)
            .claim("sid", session.id.as_str())
            .factor_verification_age([minutes, -1]);
        if let Some(party) = party {
            token = token.authorized_party(party);
        }
        if let Some(actor) = &session.actor {
            token = token.claim("act", actor.clone());
        }
        if session.is_pending {
            token = token.pending();
        }
        let templates = locked(&self.settings).organization_templates.clone();
        let organizations = locked(&self.organizations);
        let member = organization_id.and_then(|id| organizations.member(id, &session.user_id));
        if let Some(member) = member {
            let organization = organizations.get(&member.organization_id).unwrap_or_default();
            token = token
                .organization(&member.organization_id, &member.role)
                .slug(organization["slug"].as_str().unwrap_or_default())
                .permissions(&member.permissions);
            let (user_id, organization_id) = (&session.user_id, &member.organization_id);
            let mut membership = membership_object(user_id, organization_id, &member.role, now);
            membership["permissions"] = json!(member.permissions);
            membership["organization"] = organization;
            for template in templates {
                token = token.membership_template(template, &membership);
            }
        }
        Some(self.expiring(token).sign())
    }

    /// Mints a token at the edge, if the edge is the minter and the previous token is of the same session and
    /// organization.
    pub(super) fn edge_token(
        &self,
        session: &LiveSession,
        organization_id: Option<&str>,
        previous: &str,
    ) -> Option<String> {
        if locked(&self.settings).minter != Minter::Edge {
            return None;
        }
        let token = self.issuer.copy_of(previous)?;
        let text = |name: &str| token.get(name).and_then(Value::as_str);
        let active = token
            .get("o")
            .and_then(|organization| organization["id"].as_str());
        let is_pending = text("sts") == Some("pending");
        let is_current =
            text("sid") == Some(&session.id) && active == organization_id && is_pending == session.is_pending;
        is_current.then(|| self.expiring(token).sign())
    }

    fn expiring<'a>(&self, token: SessionToken<'a>) -> SessionToken<'a> {
        let lifetime = locked(&self.settings).token_lifetime;
        let expires_at = SystemClock.now().as_secs().saturating_add(lifetime);
        token.claim("exp", expires_at)
    }
}
