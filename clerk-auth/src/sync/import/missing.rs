//! Users who do not exist at Clerk: because of a secret key of another instance, or because they were deleted.

use std::collections::HashSet;

use crate::backend_api::{BackendApi, BackendApiError, MAX_IDS};
use crate::id::UserId;
use crate::row::{RowKind, SyncedRow};
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::offline::retry::RetryPolicy;

/// Returns the users of the next rows that are not marked as deleted: as many as one request to Clerk can list.
pub(super) async fn rows_after<U: SyncedRow>(
    engine: &Engine<U>,
    clerk_id: &str,
    policy: RetryPolicy,
) -> Result<Vec<UserId>, SyncError> {
    let most = i64::try_from(MAX_IDS).unwrap_or(i64::MAX);
    let ids = policy
        .retry_db::<U, _, _>(|| async { Ok(engine.store.ids_after(clerk_id, most).await?) })
        .await?;
    Ok(ids.into_iter().map(UserId::new).collect())
}

/// Returns the users that do not exist at Clerk. Rows with a placeholder instead of a Clerk user id are not of Clerk's
/// users, and remain. A list may lack a user for other reasons, such as a limit. So each
/// user missing from it is looked up by id, to which Clerk answers that there is no such user.
pub(super) async fn unknown_to_clerk(
    api: &BackendApi,
    user_ids: &[UserId],
    policy: RetryPolicy,
) -> Result<Vec<UserId>, BackendApiError> {
    let user_ids: Vec<UserId> = user_ids
        .iter()
        .filter(|user_id| RowKind::User.is_clerk_id(user_id.as_str()))
        .cloned()
        .collect();
    if user_ids.is_empty() {
        return Ok(Vec::new());
    }
    let known = policy.retry_api(|| api.users_by_id(&user_ids)).await?;
    let known: HashSet<&str> = known.iter().filter_map(|user| user["id"].as_str()).collect();
    let mut unknown = Vec::new();
    for user_id in user_ids {
        if !known.contains(user_id.as_str()) && policy.retry_api(|| api.user(&user_id)).await?.is_none() {
            unknown.push(user_id);
        }
    }
    Ok(unknown)
}
