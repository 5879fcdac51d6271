//! Deletions, and the answer to a deleted user's token.

use crate::id::UserId;
use crate::row::SyncedRow;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::model::outcome::Deletion;

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

/// Returns the error for the token of a deleted user, or of a deleted organization. Removes the row if a race has inserted it.
pub(crate) async fn deleted<U: SyncedRow>(engine: &Engine<U>, clerk_id: &str) -> SyncError {
    if let Err(error) = engine.store.purge(clerk_id).await {
        let error = SyncError::from(error);
        tracing::error!(users_table = U::TABLE, %error, "a row that was left behind by a deletion is there still");
    }
    SyncError::UserDeleted
}
