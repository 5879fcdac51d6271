//! The secret with which Clerk signs an endpoint's deliveries.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The prefix of Clerk's signing secrets.
const PREFIX: &str = "whsec_";

/// The shortest key in bytes: the length of Svix's keys, and the minimum of the Standard Webhooks specification
/// ("Signature scheme": 24 to 64 bytes). A shorter key is a placeholder, or an incomplete copy.
const MIN_BYTES: usize = 24;

/// The signing secret of an endpoint: `whsec_` and the base64 of a key, as the endpoint's page in Clerk's dashboard
/// shows it. The secret is never printed.
///
/// ```
/// use clerk_auth::webhook::{SigningSecret, SigningSecretError};
///
/// let secret: SigningSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?;
/// assert_eq!(format!("{secret:?}"), "SigningSecret");
/// assert_eq!("sk_test_x".parse::<SigningSecret>().err(), Some(SigningSecretError::Prefix));
/// # Ok::<(), SigningSecretError>(())
/// ```
#[derive(Clone)]
pub struct SigningSecret(Key);

/// The reason why a string is not a signing secret: a mistake in the configuration.
///
/// ```
/// use clerk_auth::webhook::{SigningSecret, SigningSecretError};
///
/// let error = "whsec_C2FVsBQIhrsc".parse::<SigningSecret>().unwrap_err(); // only half of the secret was pasted
/// assert_eq!(error, SigningSecretError::Short);
/// assert!(error.to_string().contains("CLERK_WEBHOOK_SIGNING_SECRET"));
/// ```
///
/// `Debug` prints the same text as `Display`, so that `main` can return the error.
#[derive(Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningSecretError {
    /// The secret is empty or not set.
    #[error(
        "there is no webhook signing secret: set CLERK_WEBHOOK_SIGNING_SECRET; it is like `whsec_…` and stands on the \
         endpoint's page in Clerk's dashboard"
    )]
    Missing,
    /// The prefix is not `whsec_`; the value may be another of Clerk's keys.
    #[error(
        "the webhook signing secret (CLERK_WEBHOOK_SIGNING_SECRET) is malformed: it begins with `whsec_`, as the \
         endpoint's page in Clerk's dashboard shows it"
    )]
    Prefix,
    /// The text after the prefix is not base64.
    #[error(
        "the webhook signing secret (CLERK_WEBHOOK_SIGNING_SECRET) is malformed: after `whsec_` comes base64, with the \
         letters of the standard alphabet and its padding"
    )]
    Base64,
    /// The key is shorter than any of Clerk's.
    #[error(
        "the webhook signing secret (CLERK_WEBHOOK_SIGNING_SECRET) is too short: after `whsec_` come at least 32 \
         characters, which are 24 bytes in base64"
    )]
    Short,
}

impl fmt::Debug for SigningSecretError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl SigningSecret {
    /// Parses a comma-separated list, for an address that serves two endpoints, or the old and the new secret during a
    /// rotation. A secret never contains a comma.
    pub(super) fn list(text: &str) -> Result<Vec<Self>, SigningSecretError> {
        let secrets: Result<Vec<Self>, _> = text
            .split(',')
            .map(str::trim)
            .filter(|secret| !secret.is_empty())
            .map(str::parse)
            .collect();
        secrets.and_then(|secrets| {
            if secrets.is_empty() {
                return Err(SigningSecretError::Missing);
            }
            Ok(secrets)
        })
    }

    /// Returns the signature of a delivery (Standard Webhooks, "Signature scheme").
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> aws_lc_rs::hmac::Tag {
        let mut context = Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        context.sign()
    }
}

impl FromStr for SigningSecret {
    type Err = SigningSecretError;

    fn from_str(text: &str) -> Result<Self, SigningSecretError> {
        let encoded = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or(SigningSecretError::Prefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| SigningSecretError::Base64)?;
        if key.len() < MIN_BYTES {
            return Err(SigningSecretError::Short);
        }
        Ok(Self(Key::new(HMAC_SHA256, &key)))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn invalid_secret_error_states_the_expected_form() {
        use SigningSecretError::{Base64, Missing, Prefix, Short};

        let long = format!("whsec_{}", STANDARD.encode([7; 75]));
        let second = format!(" {RIGHT} , {long},");
        for (text, expected) in [
            (RIGHT, Ok(1)),
            (&long, Ok(1)),
            (&second, Ok(2)),
            ("", Err(Missing)),
            (" , ", Err(Missing)),
            ("C2FVsBQIhrscChlQIMV+b5sSYspob7oD", Err(Prefix)),
            ("WHSEC_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", Err(Prefix)),
            ("sk_test_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", Err(Prefix)),
            ("whsec_C2FVsBQIhrscChlQIMV-b5sSYspob7oD", Err(Base64)),
            ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7o", Err(Base64)),
            ("whsec_C2FVsBQIhrsc ChlQIMV+b5sSYspob7oD", Err(Base64)),
            ("whsec_…", Err(Base64)),
            ("whsec_", Err(Short)),
            ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7o=", Err(Short)),
            ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD,sk_test_x", Err(Prefix)),
        ] {
            let read = SigningSecret::list(text).map(|secrets| secrets.len());
            assert_eq!(read, expected, "{text}");
            if let Err(error) = read {
                assert!(error.to_string().contains("whsec_"), "{error}");
            }
        }
    }

    #[test]
    fn secret_is_never_printed() {
        let secrets = SigningSecret::list(RIGHT).expect("a secret");
        assert_eq!(format!("{secrets:?}"), "[SigningSecret]");
    }
}
