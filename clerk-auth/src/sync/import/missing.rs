//! Finds rows whose object does not exist at Clerk: it was deleted, or the secret key is of another instance.

use std::collections::HashSet;

use super::members;
use crate::backend_api::{BackendApi, BackendApiError, MAX_IDS};
use crate::id::{OrganizationId, UserId};
use crate::row::{RowKind, SyncedRow};
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::offline::retry::RetryPolicy;

/// Returns the ids of the next rows that are not marked as deleted: as many as one request to Clerk can list.
pub(super) async fn rows_after<U: SyncedRow>(
    engine: &Engine<U>,
    clerk_id: &str,
    policy: RetryPolicy,
) -> Result<Vec<String>, SyncError> {
    let most = i64::try_from(MAX_IDS).unwrap_or(i64::MAX);
    policy
        .retry_db::<U, _, _>(|| async { Ok(engine.store.ids_after(clerk_id, most).await?) })
        .await
}

/// Returns the ids that do not exist at Clerk. Rows with a placeholder for the Clerk id are skipped. A list may lack an
/// object for other reasons, such as a limit, so each missing object is looked up separately.
pub(super) async fn unknown_to_clerk<U: SyncedRow>(
    api: &BackendApi,
    clerk_ids: &[String],
    policy: RetryPolicy,
) -> Result<Vec<String>, BackendApiError> {
    let clerk_ids: Vec<&str> = clerk_ids
        .iter()
        .map(String::as_str)
        .filter(|clerk_id| U::KIND.is_clerk_id(clerk_id))
        .collect();
    if clerk_ids.is_empty() {
        return Ok(Vec::new());
    }
    match U::KIND {
        RowKind::User => unknown_users(api, &clerk_ids, policy).await,
        RowKind::Organization => unknown_organizations(api, &clerk_ids, policy).await,
        RowKind::Membership => members::unknown(api, &clerk_ids, policy).await,
    }
}

async fn unknown_users(
    api: &BackendApi,
    clerk_ids: &[&str],
    policy: RetryPolicy,
) -> Result<Vec<String>, BackendApiError> {
    let user_ids: Vec<UserId> = clerk_ids.iter().map(|id| UserId::new(*id)).collect();
    let known = policy.retry_api(|| api.users_by_id(&user_ids)).await?;
    let known: HashSet<&str> = known.iter().filter_map(|user| user["id"].as_str()).collect();
    let mut unknown = Vec::new();
    for user_id in &user_ids {
        if !known.contains(user_id.as_str()) && policy.retry_api(|| api.user(user_id)).await?.is_none() {
            unknown.push(user_id.to_string());
        }
    }
    Ok(unknown)
}

async fn unknown_organizations(
    api: &BackendApi,
    clerk_ids: &[&str],
    policy: RetryPolicy,
) -> Result<Vec<String>, BackendApiError> {
    let ids: Vec<OrganizationId> = clerk_ids.iter().map(|id| OrganizationId::new(*id)).collect();
    let known = policy.retry_api(|| api.organizations_by_id(&ids)).await?;
    let known: HashSet<&str> = known.iter().filter_map(|it| it["id"].as_str()).collect();
    let mut unknown = Vec::new();
    for id in &ids {
        if !known.contains(id.as_str()) && policy.retry_api(|| api.organization(id)).await?.is_none() {
            unknown.push(id.to_string());
        }
    }
    Ok(unknown)
}
