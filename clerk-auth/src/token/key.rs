//! A key that verifies RS256, parsed once.

use std::fmt;

use aws_lc_rs::rsa::{PublicEncryptingKey, PublicKeyComponents};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};

use super::key_error::KeyError;
use super::pem;
use super::refusal::Refusal;

/// An RSA public key of at least 2048 bits. The key verifies only RS256, whatever algorithm a token's header names.
pub(crate) struct VerifyingKey {
    key: ParsedPublicKey,
    /// Its `kid` in a JWKS document; `None` for a PEM key.
    id: Option<Box<str>>,
}

impl VerifyingKey {
    /// Reads a `PUBLIC KEY` in PEM, in any spelling that [`pem`] accepts.
    pub(crate) fn from_pem(text: &str) -> Result<Self, KeyError> {
        let key = pem::public_key(text)?;
        // aws-lc-rs checks the key's size only at verification, where a wrong size would be a 401 for every user.
        let size = PublicEncryptingKey::from_der(&key).map(|key| key.key_size_bits());
        if !size.is_ok_and(|bits| (2_048..=8_192).contains(&bits)) {
            return Err(KeyError::Rsa);
        }
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key)
            .map(|key| Self { key, id: None })
            .map_err(|_| KeyError::Rsa)
    }

    /// Reads a key of a JWKS document, which has a `kid`; `None` if the key does not sign session tokens.
    #[cfg_attr(
        not(any(feature = "jwks", feature = "backend-api")),
        expect(dead_code, reason = "only JWKS documents hold JWKs")
    )]
    pub(crate) fn from_jwk(jwk: Jwk) -> Option<Self> {
        let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let rs256 = matches!(jwk.common.key_algorithm, None | Some(KeyAlgorithm::RS256));
        let AlgorithmParameters::RSA(parameters) = jwk.algorithm else {
            return None;
        };
        if !signs || !rs256 {
            return None;
        }
        let modulus = URL_SAFE_NO_PAD.decode(parameters.n).ok()?;
        if !(256..=1_024).contains(&modulus.len()) || modulus[0] == 0 {
            return None;
        }
        let components = PublicKeyComponents {
            n: modulus,
            e: URL_SAFE_NO_PAD.decode(parameters.e).ok()?,
        };
        let key = components
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .ok()?;
        let id = Some(jwk.common.key_id?.into());
        Some(Self { key, id })
    }

    /// Returns the key id in the headers of tokens, if the key is from a JWKS document.
    #[cfg_attr(
        not(any(feature = "jwks", feature = "backend-api")),
        expect(dead_code, reason = "only JWKS documents have ids")
    )]
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Verifies a signature over the first two parts of a token as they were received.
    pub(crate) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        self.key
            .verify_sig(signed, signature)
            .map_err(|_| Refusal::Signature)
    }
}

/// Compares the bytes of the keys, as a `PUBLIC KEY`, regardless of their source.
impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.key.as_ref() == other.key.as_ref()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VerifyingKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC0ToUUAH9WzumRRf2WkoRkdIMK\nhQ2c6BrZroXeV2LvjxDCZN9Ef0Wd24FjtLpwxDNRFbJVWzmQxGjiF8qzMPRiTL9r\nkIR29geURCczas4EKjsTPRyKHdbG1/Eo6DLfHJ1qEiKNdlBwFMjnOt1k/HYAH+YH\nxdUgXaFVhXGtPlGuzwIDAQAB\n-----END PUBLIC KEY-----";

    const ELLIPTIC: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEM0x/bl2e22vYm9x9jq2SO0YO2OCr\nB610+SL1n7wcHqL/wafw9AJU0pTNlacLDYM6pnAto/G5yqWuUFv30TnzNQ==\n-----END PUBLIC KEY-----";

    #[test]
    fn keys_that_cannot_verify_are_found_before_the_first_token() {
        for (pem, expected) in [
            ("", KeyError::Pem),
            ("\"\"", KeyError::Pem),
            ("MIIBIjANBg", KeyError::Pem),
            (
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
                KeyError::Rsa,
            ),
            ("-----BEGIN PUBLIC KEY-----\nAAAA", KeyError::Pem),
            ("-----BEGIN PUBLIC KEY-----", KeyError::Pem),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
                KeyError::Pem,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                KeyError::Private,
            ),
            (
                "'-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----'",
                KeyError::Private,
            ),
            (SHORT, KeyError::Rsa),
            (ELLIPTIC, KeyError::Rsa),
        ] {
            assert_eq!(VerifyingKey::from_pem(pem).err(), Some(expected), "{pem}");
        }
    }
}
