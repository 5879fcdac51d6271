//! Verifies that the secret key belongs to the instance whose users the table holds.

use super::error::ImportError;
use super::retry::RetryPolicy;
use crate::backend_api::BackendApi;
use crate::row::SyncedRow;
use crate::sync::engine::Engine;

/// Verifies that the secret key belongs to the instance whose users the table holds. With another instance's key, every
/// row would look like that of a deleted user, and strangers would get rows. Compares the public keys that Clerk
/// returns for the secret key with those that verify session tokens.
pub(crate) async fn check_instance<U: SyncedRow>(
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
