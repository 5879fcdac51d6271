//! The handles whose rows are changed by the same deliveries as those of users.

use std::sync::{Arc, PoisonError, RwLock};

use super::error::SyncError;
use super::store::hooks::StoreFuture;
use crate::webhook::Webhook;

/// A handle on rows that deliveries change.
pub(super) trait Follower: Send + Sync {
    /// Applies a delivery whose signature was verified.
    fn apply<'a>(&'a self, delivery: &'a Webhook) -> StoreFuture<'a, (), SyncError>;
}

/// The handles that follow a handle on users, in the order in which deliveries are applied.
#[derive(Default)]
pub(super) struct Followers(RwLock<Vec<Arc<dyn Follower>>>);

impl Followers {
    pub(super) fn add(&self, follower: Arc<dyn Follower>) {
        let mut followers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        followers.push(follower);
    }

    /// Applies a delivery to the rows of each.
    pub(super) async fn apply(&self, delivery: &Webhook) -> Result<(), SyncError> {
        let followers = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        for follower in followers {
            follower.apply(delivery).await?;
        }
        Ok(())
    }
}
