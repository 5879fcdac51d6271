//! The body of `POST /dev/tickets`.

use serde::Deserialize;
use serde_json::{Value, json};

/// The session that the ticket opens; every member may be omitted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TicketRequest {
    pub(super) user_id: Option<String>,
    /// The id of the user who acts for this one, as support staff do.
    impersonator: Option<String>,
    /// The id of the agent that acts for this user.
    agent: Option<String>,
    /// The user still has to choose an organization.
    pub(super) pending: bool,
}

impl TicketRequest {
    /// Returns the `act` claim.
    pub(super) fn actor(&self, issuer: &str) -> Option<Value> {
        let agent = self.agent.as_ref();
        let agent = agent.map(|id| json!({ "iss": issuer, "sub": id, "type": "agent" }));
        let impersonator = self.impersonator.as_ref();
        agent.or(impersonator.map(|id| json!({ "iss": issuer, "sid": "sess_actor", "sub": id })))
    }
}
