//! The state of the stand-in, shared by all requests.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use serde_json::Value;

use super::clients::Clients;
use super::deliveries::Deliveries;
use super::organizations::Organizations;
use crate::claim::TemplateClaim;
use crate::testing::Issuer;
use crate::testing::endpoints::{Endpoints, locked};
use crate::testing::organization_endpoints::OrganizationSource;

/// The lifetime of Clerk's session tokens, in seconds (Clerk's documentation, "How Clerk works").
pub(super) const TOKEN_LIFETIME: i64 = 60;

/// The instance that the stand-in pretends to be.
pub(super) struct Instance {
    pub(super) issuer: Issuer,
    /// The origin of the application's server.
    pub(super) origin: String,
    /// The key for Clerk's front end.
    pub(super) publishable_key: String,
    /// The suffix of this instance's cookie names.
    pub(super) cookie_suffix: String,
    pub(super) template: &'static [TemplateClaim],
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) deliveries: Deliveries,
    pub(super) organizations: Mutex<Organizations>,
    pub(super) clients: Mutex<Clients>,
    pub(super) settings: Mutex<Settings>,
}

impl Instance {
    /// Returns the status with which Clerk refuses requests about organizations while the feature is off.
    fn check_organizations(&self) -> Result<(), StatusCode> {
        match locked(&self.settings).has_organizations {
            true => Ok(()),
            false => Err(StatusCode::FORBIDDEN),
        }
    }

    /// Returns the address of the Frontend API.
    pub(super) fn proxy_url(&self) -> String {
        format!("{}/dev/clerk", self.origin)
    }
}

impl OrganizationSource for Instance {
    fn organizations(&self) -> Result<Vec<Value>, StatusCode> {
        self.check_organizations()?;
        let organizations = locked(&self.organizations);
        Ok(organizations
            .ids()
            .filter_map(|id| organizations.get(id))
            .collect())
    }

    fn memberships(&self) -> Result<Vec<Value>, StatusCode> {
        self.check_organizations()?;
        let organizations = locked(&self.organizations);
        let users = locked(&self.endpoints.users);
        let members = organizations
            .ids()
            .flat_map(|id| organizations.of_organization(id));
        let objects = members.filter_map(|member| {
            let user = users.get(&member.user_id)?;
            Some(organizations.membership_object(member, &user))
        });
        Ok(objects.collect())
    }
}

/// The settings that can change while the stand-in runs.
pub(super) struct Settings {
    pub(super) minter: Minter,
    /// The lifetime of the tokens that Clerk's front end obtains, in seconds.
    pub(super) token_lifetime: i64,
    /// The origins of front ends besides the application's own.
    pub(super) front_ends: Vec<String>,
    /// A `node_modules` folder whose packages of Clerk are served.
    pub(super) packages: Option<PathBuf>,
    /// False if the Backend API answers that the instance has no organizations.
    pub(super) has_organizations: bool,
    /// The claims about the active organization, and about the membership in it.
    pub(super) organization_templates: Vec<&'static [TemplateClaim]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            minter: Minter::Origin,
            token_lifetime: TOKEN_LIFETIME,
            front_ends: Vec::new(),
            packages: None,
            has_organizations: true,
            organization_templates: Vec::new(),
        }
    }
}

/// The part of Clerk that mints the session tokens of a front end.
///
/// ```
/// use clerk_auth::dev::{Minter, StandIn};
///
/// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?;
/// stand_in.set_minter(Minter::Edge);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Minter {
    /// The origin reads the claims from the database for each token.
    #[default]
    Origin,
    /// The edge copies the claims of the front end's previous token, however old they are. The front end can insist on
    /// the origin, as `getToken({ skipCache: true })` does.
    Edge,
}
