//! The organization that is active in a session.

use std::fmt;

use super::authorization::with_prefix;
use super::excerpt::{Excerpt, Made};
use super::permissions::Permissions;
use crate::id::OrganizationId;

/// The organization that is active in a session.
///
/// ```
/// use clerk_auth::Session;
///
/// /// Which organization's data a request is about.
/// fn tenant(session: &Session) -> Option<&str> {
///     session.organization().map(|organization| organization.id().as_str())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Organization<'a> {
    pub(super) claims: &'a OrganizationClaims,
    pub(super) features: &'a str,
    pub(super) payload: &'a str,
}

/// The claims about the organization in a token.
pub(super) struct OrganizationClaims {
    pub(super) id: Made<OrganizationId>,
    pub(super) slug: Option<Excerpt>,
    /// With its prefix in version 1, without in version 2 and in tokens of very old instances.
    pub(super) role: Option<Made<Box<str>>>,
    pub(super) permissions: Permissions,
}

impl<'a> Organization<'a> {
    /// Returns the organization's id.
    pub fn id(&self) -> &'a OrganizationId {
        self.claims.id.get(self.payload, OrganizationId::new)
    }

    /// Returns the organization's slug, if the instance uses slugs.
    pub fn slug(&self) -> Option<&'a str> {
        self.claims.slug.as_ref().map(|slug| slug.of(self.payload))
    }

    /// Returns the user's role in the organization, with its prefix: `org:admin`.
    pub fn role(&self) -> Option<&'a str> {
        let role = self.claims.role.as_ref()?;
        Some(role.get(self.payload, |role| with_prefix(role).into()))
    }

    /// Returns the user's custom permissions in the organization: `org:feature:action`.
    pub fn permissions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.claims.permissions.iter(self.features, self.payload)
    }
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
