//! Looks up a user in the Backend API: rarely, and only with a secret key that is proven to belong to this instance.

use std::sync::Arc;
use std::time::Duration;

use super::budget::ApiBudget;
use super::instance_proof::InstanceProof;
use crate::backend_api::BackendApi;
use crate::clerk::Clerk;
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::row::SyncedRow;
use crate::sync::local::write_locks::WriteLocks;

/// The Backend API, with bounded use.
pub(crate) struct UserLookup {
    api: BackendApi,
    proof: Arc<InstanceProof>,
    pub(crate) budget: Arc<ApiBudget>,
    pub(crate) locks: WriteLocks,
}

/// Clerk's answer about a user.
pub(crate) enum LookedUp {
    User(LenientValue),
    Unknown,
    Failed,
}

impl UserLookup {
    pub(crate) fn new(api: BackendApi) -> Self {
        Self {
            api,
            proof: Arc::default(),
            budget: Arc::default(),
            locks: WriteLocks::default(),
        }
    }

    /// Returns Clerk's answer within the timeout. The time that Clerk takes is not counted as a failure of the
    /// database.
    pub(crate) async fn user<U: SyncedRow>(
        &self,
        clerk: &Clerk,
        clerk_id: &str,
        timeout: Duration,
    ) -> LookedUp {
        let user_id = UserId::new(clerk_id);
        let asked = async {
            let is_believed = self.proof.holds(clerk, &self.api, &self.budget).await;
            if !is_believed || !self.budget.take(clerk.now()) {
                return None;
            }
            Some(self.api.user(&user_id).await)
        };
        match tokio::time::timeout(timeout, asked).await {
            // No lookup: the key is not proven, or there were too many lookups.
            Ok(None) => {}
            Ok(Some(Ok(Some(user)))) => return LookedUp::User(user),
            Ok(Some(Ok(None))) => {
                tracing::warn!(
                    users_table = U::TABLE,
                    user_id = clerk_id,
                    "Clerk's Backend API has no such user; the row, if any, stays until Clerk reports a deletion"
                );
                return LookedUp::Unknown;
            }
            Ok(Some(Err(error))) => {
                tracing::warn!(users_table = U::TABLE, user_id = clerk_id, %error, "could not look up a user at Clerk");
            }
            Err(_) => {
                tracing::warn!(
                    users_table = U::TABLE,
                    user_id = clerk_id,
                    "Clerk did not answer about a user in {timeout:?}"
                );
            }
        }
        LookedUp::Failed
    }
}
