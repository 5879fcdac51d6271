//! The two ids that identify a membership.

use std::fmt;

use super::{OrganizationId, UserId};

/// A user id and an organization id. They identify a membership, because tokens have no membership id.
///
/// ```
/// use clerk_auth::id::{MembershipKey, OrganizationId, UserId};
///
/// let key = MembershipKey::new(UserId::new("user_ada"), OrganizationId::new("org_1"));
/// assert_eq!(key.to_string(), "user_ada in org_1");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[non_exhaustive]
pub struct MembershipKey {
    /// The user.
    pub user_id: UserId,
    /// The organization.
    pub organization_id: OrganizationId,
}

impl MembershipKey {
    /// Joins the two ids.
    pub fn new(user_id: UserId, organization_id: OrganizationId) -> Self {
        Self {
            user_id,
            organization_id,
        }
    }

    /// Parses the key of a membership's row: the user id, a colon, and the organization id.
    #[cfg(feature = "backend-api")]
    pub(crate) fn from_text(text: &str) -> Self {
        let (user_id, organization_id) = text.split_once(':').unwrap_or((text, ""));
        Self::new(UserId::new(user_id), OrganizationId::new(organization_id))
    }
}

impl fmt::Display for MembershipKey {
    /// Writes `user_ada in org_1`. An unreadable id is written as `an unknown user` or `an unknown organization`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |id: &str, unknown: &str| match id {
            "" => unknown.to_owned(),
            id => id.to_owned(),
        };
        let user = known(self.user_id.as_str(), "an unknown user");
        let organization = known(self.organization_id.as_str(), "an unknown organization");
        write!(formatter, "{user} in {organization}")
    }
}
