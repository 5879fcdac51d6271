//! The keys of one Clerk instance: one in PEM from the configuration, or those of its JWKS document.

use std::sync::Arc;

#[cfg(feature = "jwks")]
use reqwest::Url;

use super::error::TokenError;
#[cfg(feature = "jwks")]
use super::jwks::Jwks;
use super::key::VerifyingKey;
use super::key_error::KeyError;
#[cfg(feature = "jwks")]
use super::refusal::Refusal;
#[cfg(feature = "jwks")]
use crate::time::Clock;

/// The source of an instance's keys.
#[derive(Debug)]
pub(crate) enum Keys {
    Pem(Arc<VerifyingKey>),
    #[cfg(feature = "jwks")]
    Jwks(Arc<Jwks>),
}

impl Keys {
    /// Creates a single key, which is never fetched.
    pub(crate) fn from_pem(text: &str) -> Result<Self, KeyError> {
        VerifyingKey::from_pem(text).map(|key| Self::Pem(Arc::new(key)))
    }

    /// Creates the keys of the JWKS document at this address, which the first request fetches.
    #[cfg(feature = "jwks")]
    pub(crate) fn from_jwks(url: Url, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Jwks::new(url, clock).map(|jwks| Self::Jwks(Arc::new(jwks)))
    }

    /// Returns the key with this id.
    pub(super) async fn key(&self, key_id: Option<&str>) -> Result<Arc<VerifyingKey>, TokenError> {
        match (self, key_id) {
            // A PEM key has no id; Clerk's SDKs ignore the token's.
            (Self::Pem(key), _) => Ok(Arc::clone(key)),
            #[cfg(feature = "jwks")]
            (Self::Jwks(_), None) => Err(Refusal::UnknownKey.into()),
            #[cfg(feature = "jwks")]
            (Self::Jwks(jwks), Some(key_id)) => jwks.key(key_id).await,
        }
    }

    /// Returns whether a key still verifies tokens. Sessions of a withdrawn or replaced key must be verified again.
    pub(super) async fn has(&self, key: &Arc<VerifyingKey>) -> Result<bool, TokenError> {
        Ok(match self {
            Self::Pem(known) => Arc::ptr_eq(known, key),
            #[cfg(feature = "jwks")]
            Self::Jwks(_) => Arc::ptr_eq(&self.key(key.id()).await?, key),
        })
    }

    /// Returns the key that has replaced `failed` under its id, if any. A PEM key is never replaced.
    pub(super) async fn newer(&self, failed: &Arc<VerifyingKey>) -> Option<Arc<VerifyingKey>> {
        match self {
            Self::Pem(key) => (!Arc::ptr_eq(key, failed)).then(|| Arc::clone(key)),
            #[cfg(feature = "jwks")]
            Self::Jwks(jwks) => jwks.newer(failed.id()?, failed).await,
        }
    }
}
