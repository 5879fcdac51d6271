//! The organizations and memberships of a fake instance.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::http::StatusCode;
use serde_json::Value;

use super::endpoints::locked;
use super::organization_endpoints::OrganizationSource;

/// The objects by their ids.
#[derive(Default)]
pub(super) struct OrganizationDirectory(Mutex<Objects>);

#[derive(Default)]
struct Objects {
    organizations: BTreeMap<String, Value>,
    memberships: BTreeMap<String, Value>,
    disabled: Option<StatusCode>,
}

impl OrganizationDirectory {
    pub(super) fn put(&self, organization: Value) {
        locked(&self.0)
            .organizations
            .insert(id_of(&organization), organization);
    }

    /// Removes an organization and its memberships.
    pub(super) fn remove(&self, id: &str) {
        let mut objects = locked(&self.0);
        objects.organizations.remove(id);
        objects
            .memberships
            .retain(|_, membership| membership["organization"]["id"] != id);
    }

    pub(super) fn put_member(&self, membership: Value) {
        locked(&self.0).memberships.insert(id_of(&membership), membership);
    }

    pub(super) fn remove_member(&self, user_id: &str, organization_id: &str) {
        locked(&self.0).memberships.retain(|_, membership| {
            membership["public_user_data"]["user_id"] != user_id
                || membership["organization"]["id"] != organization_id
        });
    }

    pub(super) fn remove_user(&self, user_id: &str) {
        let is_other = |membership: &Value| membership["public_user_data"]["user_id"] != user_id;
        locked(&self.0)
            .memberships
            .retain(|_, membership| is_other(membership));
    }

    pub(super) fn disable(&self, status: Option<StatusCode>) {
        locked(&self.0).disabled = status;
    }
}

impl OrganizationSource for OrganizationDirectory {
    fn organizations(&self) -> Result<Vec<Value>, StatusCode> {
        let objects = locked(&self.0);
        match objects.disabled {
            Some(status) => Err(status),
            None => Ok(objects.organizations.values().cloned().collect()),
        }
    }

    fn memberships(&self) -> Result<Vec<Value>, StatusCode> {
        let objects = locked(&self.0);
        match objects.disabled {
            Some(status) => Err(status),
            None => Ok(objects.memberships.values().cloned().collect()),
        }
    }
}

fn id_of(object: &Value) -> String {
    object["id"]
        .as_str()
        .expect("an object of Clerk has an id")
        .to_owned()
}
