//! The reasons why a policy denies a session, with their codes.

use serde_json::{Value, json};

use super::reverification::Reverification;

/// The reason why a session was denied. Answered as 403 with [`code`](Self::code).
///
/// ```
/// use clerk_auth::policy::Denied;
///
/// assert_eq!(Denied::Role("org:admin").code(), "role_required");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The role is missing.
    #[error("the role `{0}` is required")]
    Role(&'static str),
    /// The permission is missing.
    #[error("the permission `{0}` is required")]
    Permission(&'static str),
    /// The feature is missing.
    #[error("the feature `{0}` is required")]
    Feature(&'static str),
    /// The plan is missing.
    #[error("the plan `{0}` is required")]
    Plan(&'static str),
    /// The factors were verified too long ago, or never.
    #[error("please verify your identity again")]
    Reverification(Reverification),
    /// Another person impersonates the user.
    #[error("this cannot be done while impersonating")]
    Impersonation,
    /// An agent acts for the user.
    #[error("agents cannot do this")]
    Agent,
    /// No organization is active in the session.
    #[error("select an organization first")]
    Organization,
    /// None of several requirements is met.
    #[error("none of the requirements is met")]
    Requirements,
    /// Since the token's claims were read, the user has left the organization, or the role was changed and the event
    /// lacks the required value. Only a token from Clerk's origin has the current claims: the front end repeats the
    /// request with `getToken({ skipCache: true })`.
    #[error("the membership in the organization has changed; get a new session token")]
    OrganizationChanged,
}

impl Denied {
    /// Returns the stable code by which a client distinguishes reasons.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Role(_) => "role_required",
            Self::Permission(_) => "permission_required",
            Self::Feature(_) => "feature_required",
            Self::Plan(_) => "plan_required",
            Self::Reverification(_) => "reverification_required",
            Self::Impersonation => "impersonation_denied",
            Self::Agent => "agent_denied",
            Self::Requirements => "requirements_not_met",
            Self::Organization => "organization_required",
            Self::OrganizationChanged => "organization_changed",
        }
    }

    /// Returns the member `clerk_error`, by which Clerk's front-end hook starts a reverification.
    pub(crate) fn clerk_error(&self) -> Option<Value> {
        let Self::Reverification(level) = self else {
            return None;
        };
        Some(json!({
            "type": "forbidden",
            "reason": "reverification-error",
            "metadata": { "reverification": level.as_str() },
        }))
    }
}
