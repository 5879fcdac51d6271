//! What it takes for a user to be deleted, and to stay so.

use super::error::SyncError;
use super::user_sync::Inner;
use crate::user::SyncedUser;

/// What deleting a user came to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Deletion {
    /// There was a row, and the user is deleted now.
    Deleted,
    /// The user had been deleted before.
    AlreadyDeleted,
    /// There was no row. With `tombstones` the user is deleted all the same; without, nothing remembers it.
    NoRow,
}

impl<U: SyncedUser> Inner<U> {
    /// Deletes a user here, in the database, and in every process.
    pub(super) async fn delete(&self, clerk_id: &str) -> Result<Deletion, SyncError> {
        // However it ends, and whether or not that is heard, no copy read before is good.
        let _writing = self.fresh.writing(clerk_id, self.clerk.now());
        Ok(self.store.delete(clerk_id).await?)
    }

    /// What the token of a deleted user is answered with. Their row goes if a race has let it in.
    pub(super) async fn gone(&self, clerk_id: &str) -> SyncError {
        if let Err(error) = self.store.purge(clerk_id).await {
            let error = SyncError::from(error);
            tracing::error!(user = U::NAME, %error, "a row that a deleted user has left behind is there still");
        }
        SyncError::Gone
    }
}
