//! Finds memberships that do not exist at Clerk, which has no request for a single membership.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::backend_api::{BackendApi, BackendApiError};
use crate::id::{MembershipKey, OrganizationId, UserId};
use crate::lenient::LenientValue;
use crate::sync::offline::retry::RetryPolicy;

/// Returns those of at most a hundred memberships that Clerk lists neither under their organization nor under their
/// user.
pub(super) async fn unknown(
    api: &BackendApi,
    keys: &[&str],
    policy: RetryPolicy,
) -> Result<Vec<String>, BackendApiError> {
    let mut by_organization: BTreeMap<OrganizationId, Vec<UserId>> = BTreeMap::new();
    for key in keys {
        let MembershipKey {
            user_id,
            organization_id,
        } = MembershipKey::from_text(key);
        by_organization.entry(organization_id).or_default().push(user_id);
    }
    let mut of_users: HashMap<UserId, HashSet<OrganizationId>> = HashMap::new();
    let mut unknown = Vec::new();
    for (organization_id, user_ids) in by_organization {
        let ids: Vec<&str> = user_ids.iter().map(UserId::as_str).collect();
        let members = policy
            .retry_api(|| api.memberships_of_organization(&organization_id, &ids))
            .await?;
        let members: HashSet<&str> = members.iter().filter_map(user_of).collect();
        for user_id in user_ids.iter().filter(|id| !members.contains(id.as_str())) {
            if !of_users.contains_key(user_id) {
                let memberships = policy.retry_api(|| api.memberships_of_user(user_id)).await?;
                let organizations = memberships.iter().filter_map(organization_of);
                of_users.insert(user_id.clone(), organizations.map(OrganizationId::new).collect());
            }
            let is_member = of_users
                .get(user_id)
                .is_some_and(|known| known.contains(organization_id.as_str()));
            if !is_member {
                unknown.push(format!("{user_id}:{organization_id}"));
            }
        }
    }
    unknown.sort_unstable();
    Ok(unknown)
}

fn user_of(membership: &LenientValue) -> Option<&str> {
    membership["public_user_data"]["user_id"].as_str()
}

fn organization_of(membership: &LenientValue) -> Option<&str> {
    membership["organization"]["id"].as_str()
}
