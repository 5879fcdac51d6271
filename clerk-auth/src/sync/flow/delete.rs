//! Deletions, and the answer to a deleted user's token.

use crate::id::UserId;
#[cfg(feature = "backend-api")]
use crate::id::{MembershipKey, OrganizationId};
use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
#[cfg(feature = "backend-api")]
use crate::sync::followers::Followed;
use crate::sync::model::logged_row::{LoggedRow, log_row};
use crate::sync::model::outcome::Deletion;
use crate::sync::model::version::Version;
use crate::time::Timestamp;

/// Deletes a user here, in the database, and in every process.
pub(crate) async fn delete<U: SyncedRow>(engine: &Engine<U>, clerk_id: &str) -> Result<Deletion, SyncError> {
    let now = engine.clerk.now();
    let denial = engine.barring.of_deleted(&UserId::new(clerk_id), now);
    // Earlier copies are invalid after any outcome, even if the caller does not receive it.
    let _writing = engine.row_cache.begin_write(clerk_id, now);
    let deletion = engine.store.delete(clerk_id, &denial, now).await?;
    engine.clerk.deny(denial);
    Ok(deletion)
}

/// Deletes an organization here, in the database, and in every process, through the handle on users.
#[cfg(feature = "backend-api")]
pub(crate) async fn delete_organization<U: SyncedRow>(
    engine: &Engine<U>,
    followed: &dyn Followed,
    id: &OrganizationId,
) -> Result<Deletion, SyncError> {
    let now = engine.clerk.now();
    let denial = engine.barring.of_deleted_organization(id, now, now);
    followed.deny(denial.clone()).await?;
    let _writing = engine.row_cache.begin_write(id.as_str(), now);
    Ok(engine.store.delete(id.as_str(), &denial, now).await?)
}

/// Ends a membership here, in the database, and in every process, through the handle on users. A membership that
/// changed after this time does not end.
#[cfg(feature = "backend-api")]
pub(crate) async fn end_membership<U: SyncedRow>(
    engine: &Engine<U>,
    followed: &dyn Followed,
    key: &str,
    ended_by: Timestamp,
) -> Result<Deletion, SyncError> {
    let MembershipKey {
        user_id,
        organization_id,
    } = MembershipKey::from_text(key);
    let denial = engine
        .clerk
        .end_of_membership(&user_id, &organization_id, ended_by);
    followed.deny(denial).await?;
    end_row(engine, key, ended_by).await
}

/// Marks the row of a membership that has ended by this time.
pub(crate) async fn end_row<U: SyncedRow>(
    engine: &Engine<U>,
    key: &str,
    ended_by: Timestamp,
) -> Result<Deletion, SyncError> {
    let _writing = engine.row_cache.begin_write(key, engine.clerk.now());
    Ok(engine.store.end(key, Version::from_api(ended_by)).await?)
}

/// Returns the error for the token of a deleted user or organization. Removes the row if a race has inserted it.
pub(crate) async fn deleted<U: SyncedRow>(engine: &Engine<U>, clerk_id: &str) -> SyncError {
    if let Err(error) = engine.store.purge(clerk_id).await {
        let error = SyncError::from(error);
        let row = LoggedRow::new::<U>(clerk_id);
        log_row!(error, row, %error, "could not remove the leftover row of a deletion");
    }
    SyncError::UserDeleted
}
