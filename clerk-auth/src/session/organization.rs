//! The organization that is active in a session.

use std::fmt;

use super::authorization::{has_organization_entry, with_prefix};
use super::correction::Standing;
use super::payload_slice::{LazyValue, PayloadSlice};
use super::permissions::{Permissions, is_organization_feature};
use crate::id::OrganizationId;

/// The organization that is active in a session.
///
/// Role and permissions are the newest: those of the token, or of a webhook that has reported a later change; see
/// [`routing::webhooks`](crate::routing::webhooks).
///
/// ```
/// use clerk_auth::Session;
///
/// /// Returns the organization whose data a request concerns.
/// fn tenant(session: &Session) -> Option<&str> {
///     session.organization().map(|organization| organization.id().as_str())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Organization<'a> {
    pub(super) claims: &'a OrganizationClaims,
    /// The state of the membership after the claims were read, if an event reported it.
    pub(super) standing: Option<&'a Standing>,
    pub(super) features: &'a str,
    pub(super) plans: &'a str,
    pub(super) payload: &'a str,
}

/// The claims about the organization in a token.
pub(super) struct OrganizationClaims {
    pub(super) id: LazyValue<OrganizationId>,
    pub(super) slug: Option<PayloadSlice>,
    /// With its prefix in version 1; without it in version 2 and in tokens of very old instances.
    pub(super) role: Option<LazyValue<Box<str>>>,
    pub(super) permissions: Permissions,
}

impl<'a> Organization<'a> {
    /// Returns the organization's id.
    pub fn id(&self) -> &'a OrganizationId {
        self.claims.id.get(self.payload, OrganizationId::new)
    }

    /// Returns the organization's slug, if the instance uses slugs.
    pub fn slug(&self) -> Option<&'a str> {
        self.claims.slug.as_ref().map(|slug| slug.get(self.payload))
    }

    /// Returns the user's role in the organization, with its prefix: `org:admin`.
    pub fn role(&self) -> Option<&'a str> {
        match self.standing {
            Some(standing) => standing.role(),
            None => self.claimed_role(),
        }
    }

    /// Returns the user's custom permissions in the organization: `org:feature:action`.
    pub fn permissions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let reported = self.standing.and_then(Standing::permissions);
        let listed = match reported {
            Some(reported) => reported,
            None if self.lacks_permissions() => &[],
            None => self.claims.permissions.listed(self.features, self.payload),
        };
        // With Billing, a permission holds only if the organization's plan has its feature. The token lists the
        // features of the plan; an event does not.
        let of_plan = (reported.is_some() && has_organization_entry(self.plans)).then_some(self.features);
        let listed = listed.iter().map(|permission| &**permission);
        listed.filter(move |permission| of_plan.is_none_or(|features| is_of_plan(permission, features)))
    }

    /// Returns whether an event has changed the role without containing the new one.
    pub(crate) fn lacks_role(&self) -> bool {
        self.standing.is_some_and(|standing| standing.role().is_none())
    }

    /// Returns whether an event has changed the role, and so the permissions, without containing permissions.
    pub(crate) fn lacks_permissions(&self) -> bool {
        self.standing.is_some_and(|standing| {
            standing.permissions().is_none()
                && (standing.role().is_none() || standing.role() != self.claimed_role())
        })
    }

    fn claimed_role(&self) -> Option<&'a str> {
        let role = self.claims.role.as_ref()?;
        Some(role.get(self.payload, |role| with_prefix(role).into()))
    }
}

/// Returns whether the organization has the feature of `org:feature:action`.
fn is_of_plan(permission: &str, features: &str) -> bool {
    let name = permission.split_once(':').map_or("", |(_, name)| name);
    name.rsplit_once(':')
        .is_some_and(|(feature, _)| is_organization_feature(features, feature))
}

impl fmt::Debug for Organization<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Organization")
            .field("id", self.id())
            .field("slug", &self.slug())
            .field("role", &self.role())
            .finish_non_exhaustive()
    }
}
