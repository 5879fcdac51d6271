//! Verifies the session tokens of one Clerk instance, and caches the verified tokens: the interface of this folder.

use super::cache::{VerifiedToken, VerifiedTokens};
use super::credential::Credential;
use super::error::TokenError;
use super::header::LastHeader;
#[cfg(feature = "backend-api")]
use super::key::VerifyingKey;
use super::keys::Keys;
use super::refusal::Refusal;
use super::unverified::{Expectations, UnverifiedToken, check_times};
use crate::metrics;
use crate::session::Session;
use crate::time::Timestamp;

/// Verifies session tokens.
pub(crate) struct Verifier {
    expectations: Expectations,
    keys: Keys,
    header: LastHeader,
    verified: VerifiedTokens,
}

impl Verifier {
    pub(crate) fn new(expectations: Expectations, keys: Keys) -> Self {
        Self {
            expectations,
            keys,
            header: LastHeader::default(),
            verified: VerifiedTokens::new(),
        }
    }

    /// Returns the expected values of a token's claims.
    pub(crate) fn expectations(&self) -> &Expectations {
        &self.expectations
    }

    /// Returns the session of a token. For a cached token, only checks the times again.
    pub(crate) async fn verify(
        &self,
        credential: &Credential<'_>,
        now: Timestamp,
    ) -> Result<Session, TokenError> {
        if let Some(verified) = self.verified.get(credential.token)
            && self.keys.has(&verified.key).await?
        {
            check_times(&verified.session, now).inspect_err(|_| self.forget(credential))?;
            metrics::session_token_cached();
            return Ok(verified.session);
        }
        let verified = self.verify_token(credential.token, now).await;
        let verified = verified.map_err(|error| match error {
            TokenError::Refused(_) if credential.is_malformed() => Refusal::CredentialMalformed.into(),
            error => error,
        })?;
        let session = verified.session.clone();
        self.verified.insert(credential.token, verified);
        Ok(session)
    }

    /// Removes a token from the cache of verified tokens.
    pub(crate) fn forget(&self, credential: &Credential<'_>) {
        self.verified.remove(credential.token);
    }

    async fn verify_token(&self, token: &[u8], now: Timestamp) -> Result<VerifiedToken, TokenError> {
        let unverified = UnverifiedToken::parse(token, &self.header)?;
        let mut key = self.keys.key(unverified.header.key_id()).await?;
        let mut verified = unverified.verify(&key, &self.expectations, now);
        if matches!(verified, Err(Refusal::Signature))
            && let Some(newer) = self.keys.newer(&key).await
        {
            verified = unverified.verify(&newer, &self.expectations, now);
            key = newer;
        }
        let session = verified?;
        metrics::session_token_verified(token.len());
        self.header.keep(&unverified.header);
        Ok(VerifiedToken { session, key })
    }

    /// Returns whether a JWKS document has one of this instance's keys, that is, whether it is of the same instance.
    #[cfg(feature = "backend-api")]
    pub(crate) async fn accepts_keys_of(&self, jwks: &serde_json::Value) -> Result<bool, TokenError> {
        let keys = jwks["keys"].as_array().into_iter().flatten();
        let keys = keys
            .filter_map(|key| serde_json::from_value(key.clone()).ok())
            .filter_map(VerifyingKey::from_jwk);
        for key in keys {
            let known = match self.keys.key(key.id()).await {
                Ok(known) if *known == key => return Ok(true),
                Ok(known) => known,
                Err(TokenError::Refused(_)) => continue,
                #[cfg(feature = "jwks")]
                Err(error @ TokenError::KeysUnavailable { .. }) => return Err(error),
            };
            // Clerk may have replaced the key under its id.
            let newer = self.keys.newer(&known).await;
            if newer.is_some_and(|newer| *newer == key) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
