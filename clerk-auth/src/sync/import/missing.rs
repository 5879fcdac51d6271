//! Finds rows whose object does not exist at Clerk: it was deleted, or the secret key is of another instance.

use std::collections::HashSet;

use super::members;
use crate::backend_api::{BackendApi, BackendApiError, MAX_IDS};
use crate::id::{OrganizationId, UserId};
use crate::lenient::LenientValue;
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
    let mut unknown = Vec::new();
    match U::KIND {
        RowKind::User => {
            let ids: Vec<UserId> = clerk_ids.iter().copied().map(UserId::new).collect();
            let listed = policy.retry_api(|| api.users_by_id(&ids)).await?;
            for id in not_listed(&ids, &listed) {
                if policy.retry_api(|| api.user(id)).await?.is_none() {
                    unknown.push(id.to_string());
                }
            }
        }
        RowKind::Organization => {
            let ids: Vec<OrganizationId> = clerk_ids.iter().copied().map(OrganizationId::new).collect();
            let listed = policy.retry_api(|| api.organizations_by_id(&ids)).await?;
            for id in not_listed(&ids, &listed) {
                if policy.retry_api(|| api.organization(id)).await?.is_none() {
                    unknown.push(id.to_string());
                }
            }
        }
        RowKind::Membership => unknown = members::unknown(api, &clerk_ids, policy).await?,
    }
    Ok(unknown)
}

fn not_listed<'a, I: AsRef<str>>(
    ids: &'a [I],
    listed: &'a [LenientValue],
) -> impl Iterator<Item = &'a I> + use<'a, I> {
    let listed: HashSet<&str> = listed.iter().filter_map(|it| it["id"].as_str()).collect();
    ids.iter().filter(move |id| !listed.contains((*id).as_ref()))
}
