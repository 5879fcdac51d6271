//! The bodies of the requests that change organizations and their members.

use serde::Deserialize;

use super::deliveries::Faults;

/// The body of `POST /dev/organizations/{id}`; an absent member changes nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OrganizationRequest {
    pub(super) name: Option<String>,
    pub(super) slug: Option<String>,
    pub(super) webhook: Faults,
}

/// The body of `POST /dev/organizations/{id}/members/{user_id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MemberRequest {
    /// `org:member` by default, as for an invited member.
    pub(super) role: String,
    /// `org:feature:action`.
    pub(super) permissions: Vec<String>,
    pub(super) webhook: Faults,
}

impl Default for MemberRequest {
    fn default() -> Self {
        Self {
            role: "org:member".to_owned(),
            permissions: Vec::new(),
            webhook: Faults::default(),
        }
    }
}
