//! The handles that apply the same deliveries as a handle on users.

use std::sync::{Arc, PoisonError, RwLock};

use super::error::SyncError;
use super::store::hooks::StoreFuture;
#[cfg(feature = "backend-api")]
use crate::deny_list::Denial;
use crate::time::Timestamp;
use crate::webhook::Webhook;

/// A handle on rows that deliveries change.
pub(super) trait Follower: Send + Sync {
    /// Applies a delivery whose signature was verified.
    fn apply<'a>(&'a self, delivery: &'a Webhook) -> StoreFuture<'a, (), SyncError>;

    /// Marks the row of a membership that has ended by this time.
    fn end_membership<'a>(&'a self, key: &'a str, ended_by: Timestamp) -> StoreFuture<'a, (), SyncError>;
}

/// The handle on users that others follow. It records denials of every kind.
#[cfg(feature = "backend-api")]
pub(super) trait Followed: Send + Sync {
    /// Applies a denial in this process at once, and records it for the others.
    fn deny(&self, denial: Denial) -> StoreFuture<'_, (), SyncError>;
}

/// The handles that follow a handle on users, in the order in which deliveries are applied.
#[derive(Default)]
pub(super) struct Followers(RwLock<Vec<Arc<dyn Follower>>>);

impl Followers {
    pub(super) fn add(&self, follower: Arc<dyn Follower>) {
        let mut followers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        followers.push(follower);
    }

    /// Marks the row of a membership that has ended by this time.
    pub(super) async fn end_membership(&self, key: &str, ended_by: Timestamp) -> Result<(), SyncError> {
        for follower in self.all() {
            follower.end_membership(key, ended_by).await?;
        }
        Ok(())
    }

    /// Applies a delivery to the rows of each follower.
    pub(super) async fn apply(&self, delivery: &Webhook) -> Result<(), SyncError> {
        for follower in self.all() {
            follower.apply(delivery).await?;
        }
        Ok(())
    }

    fn all(&self) -> Vec<Arc<dyn Follower>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
