//! Makes sure that the secret key of an import is of the instance whose users the table holds.

use super::progress::ImportError;
use super::retry::RetryPolicy;
use crate::backend_api::BackendApi;
use crate::sync::engine::Engine;
use crate::user::SyncedUser;

/// Makes sure that the secret key is of the instance whose users the table holds. With another's every row would look
/// like that of a deleted user, and strangers would get rows. The instance's keys are what both have: Clerk hands them
/// out to the secret key, and tokens are accepted by them.
pub(super) async fn check_instance<U: SyncedUser>(
    engine: &Engine<U>,
    api: &BackendApi,
    policy: RetryPolicy,
) -> Result<(), ImportError> {
    let jwks = policy.retry_api(|| api.jwks()).await?;
    match engine.clerk.accepts_keys_of(&jwks).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(ImportError::OtherInstance {
            rows: engine.clerk.issuer().into(),
        }),
        Err(error) => Err(ImportError::Instance(error)),
    }
}
