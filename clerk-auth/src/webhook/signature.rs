//! Verifies that a delivery is Clerk's, by Svix's signature (Standard Webhooks, "Signature scheme").

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::secret::{SigningSecret, SigningSecretError};
use super::signature_error::{MAX_SIGNATURES, SignatureError};
use crate::id::DeliveryId;
use crate::time::{Clock, SystemClock, Timestamp};

/// The largest difference between a delivery's time and the clock, inclusive and in either direction, as in Svix's and
/// Clerk's own libraries. An older delivery may be a replay, because Svix signs each attempt anew.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use clerk_auth::testing::SignedDelivery;
/// use clerk_auth::time::{Clock, SystemClock};
/// use clerk_auth::webhook::{SignatureError, TOLERANCE, WebhookVerifier};
/// use std::time::Duration;
///
/// const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
///
/// let now = SystemClock.now();
/// let delivery = SignedDelivery::new(SECRET, &serde_json::json!({}), now);
/// let verifier = WebhookVerifier::new(SECRET.parse()?);
/// let late = now + TOLERANCE + Duration::from_secs(1);
/// assert!(verifier.verify(delivery.headers(), delivery.body(), now + TOLERANCE).is_ok());
/// assert_eq!(verifier.verify(delivery.headers(), delivery.body(), late), Err(SignatureError::TooOld));
/// # }
/// # Ok::<(), clerk_auth::webhook::SigningSecretError>(())
/// ```
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// The longest `svix-id`; Svix's own have 31 characters.
const MAX_ID_LENGTH: usize = 256;

/// The longest `svix-signature`. Each signature costs a comparison, and only a rotation has several.
const MAX_SIGNATURES_LENGTH: usize = 2_048;

/// The only supported version: HMAC-SHA256. `v1a` is Ed25519, which Clerk does not use.
const VERSION: &str = "v1";

/// The length of an HMAC-SHA256, in bytes.
const SIGNATURE: usize = 32;

/// The names of the three headers.
struct Names {
    id: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

/// The names that Clerk sends, and the only names that Clerk's own SDK accepts.
const SVIX: Names = Names {
    id: "svix-id",
    timestamp: "svix-timestamp",
    signature: "svix-signature",
};

/// The names of the Standard Webhooks specification.
const STANDARD_NAMES: Names = Names {
    id: "webhook-id",
    timestamp: "webhook-timestamp",
    signature: "webhook-signature",
};

/// Verifies deliveries; put it into the application's state. Cloning is cheap.
///
/// ```
/// use axum::http::HeaderMap;
/// use clerk_auth::time::Timestamp;
/// use clerk_auth::webhook::WebhookVerifier;
///
/// let verifier = WebhookVerifier::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?);
/// let headers: HeaderMap = [
///     ("svix-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
///     ("svix-timestamp", "1649367553"),
///     ("svix-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="),
/// ]
/// .into_iter()
/// .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
/// .collect();
/// let body = br#"{"email":"test@example.com","username":"test_user"}"#;
/// let id = verifier.verify(&headers, body, Timestamp::from_secs(1_649_367_553))?;
/// assert_eq!(id.as_str(), "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WebhookVerifier {
    secrets: Arc<[SigningSecret]>,
    accept_standard_names: bool,
    clock: Arc<dyn Clock>,
}

/// The well-formed headers of a delivery, whose signature has not been verified. A delivery with bad headers is refused
/// before its body is read.
///
/// ```
/// use axum::http::HeaderMap;
/// use clerk_auth::id::DeliveryId;
/// use clerk_auth::webhook::{SignatureError, WebhookVerifier};
///
/// fn receive(
///     verifier: &WebhookVerifier,
///     headers: &HeaderMap,
///     read_body: impl FnOnce() -> Vec<u8>,
/// ) -> Result<DeliveryId, SignatureError> {
///     let headers = verifier.verify_headers(headers, verifier.now())?;
///     verifier.verify_body(&headers, &read_body())
/// }
///
/// let verifier = WebhookVerifier::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?);
/// assert!(receive(&verifier, &HeaderMap::new(), || unreachable!("nothing is read")).is_err());
/// # Ok::<(), clerk_auth::webhook::SigningSecretError>(())
/// ```
#[derive(Debug)]
pub struct SignedHeaders<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: Vec<[u8; SIGNATURE]>,
}

impl WebhookVerifier {
    /// Creates a verifier of deliveries that are signed with this secret.
    pub fn new(secret: SigningSecret) -> Self {
        Self::from_secrets([secret].into())
    }

    /// Creates a verifier from `CLERK_WEBHOOK_SIGNING_SECRET`. During a rotation the variable holds the old secret and
    /// the new one, separated by a comma.
    ///
    /// ```no_run
    /// use clerk_auth::webhook::WebhookVerifier;
    ///
    /// let verifier = WebhookVerifier::from_env()?;
    /// # Ok::<(), clerk_auth::webhook::SigningSecretError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SigningSecretError`] names the variable and describes a valid value.
    pub fn from_env() -> Result<Self, SigningSecretError> {
        let secrets = std::env::var("CLERK_WEBHOOK_SIGNING_SECRET").unwrap_or_default();
        SigningSecret::list(&secrets).map(|secrets| Self::from_secrets(secrets.into()))
    }

    fn from_secrets(secrets: Arc<[SigningSecret]>) -> Self {
        Self {
            secrets,
            accept_standard_names: false,
            clock: Arc::new(SystemClock),
        }
    }

    /// Also accepts this secret: that of a second endpoint, or the new one during a rotation.
    ///
    /// ```
    /// # use clerk_auth::webhook::WebhookVerifier;
    /// let verifier = WebhookVerifier::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?)
    ///     .with_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?);
    /// # Ok::<(), clerk_auth::webhook::SigningSecretError>(())
    /// ```
    #[must_use]
    pub fn with_secret(mut self, secret: SigningSecret) -> Self {
        self.secrets = self.secrets.iter().cloned().chain([secret]).collect();
        self
    }

    /// Also accepts `webhook-id`, `webhook-timestamp` and `webhook-signature`, for a gateway that renames the headers.
    /// Clerk sends `svix-*`; if any `svix-*` header is present, only those count.
    #[must_use]
    pub fn accept_standard_names(mut self) -> Self {
        self.accept_standard_names = true;
        self
    }

    /// Sets the clock, for tests; the default is the operating system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Returns the current time of the verifier's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Verifies that a delivery is Clerk's and was sent about `now`. The body must be the bytes as received, because
    /// JSON that is serialized again has another signature.
    ///
    /// # Errors
    ///
    /// Returns the first [`SignatureError`] found.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<DeliveryId, SignatureError> {
        self.verify_body(&self.verify_headers(headers, now)?, body)
    }

    /// Checks that the headers are well-formed, and that their time is about `now`: the first half of
    /// [`verify`](Self::verify).
    ///
    /// # Errors
    ///
    /// Any [`SignatureError`] but [`SignatureError::Signature`].
    pub fn verify_headers<'a>(
        &self,
        headers: &'a HeaderMap,
        now: Timestamp,
    ) -> Result<SignedHeaders<'a>, SignatureError> {
        let names = self.names(headers);
        let id = header(headers, names.id)?;
        // The signed text joins its parts with dots. With a dot in the id, the same text could be split in another
        // place.
        if id.len() > MAX_ID_LENGTH || id.contains('.') {
            return Err(SignatureError::HeaderMalformed(names.id));
        }
        let timestamp = header(headers, names.timestamp)?;
        let sent = seconds(timestamp).ok_or(SignatureError::HeaderMalformed(names.timestamp))?;
        let signatures = header(headers, names.signature)?;
        if signatures.len() > MAX_SIGNATURES_LENGTH {
            return Err(SignatureError::HeaderMalformed(names.signature));
        }
        let tolerance = i64::try_from(TOLERANCE.as_secs()).unwrap_or(i64::MAX);
        if now.as_secs().saturating_sub(sent) > tolerance {
            return Err(SignatureError::TooOld);
        }
        if sent.saturating_sub(now.as_secs()) > tolerance {
            return Err(SignatureError::InTheFuture);
        }
        Ok(SignedHeaders {
            id,
            timestamp,
            signatures: signatures_of(signatures)?,
        })
    }

    /// Verifies the body, the second half of [`verify`](Self::verify).
    ///
    /// # Errors
    ///
    /// [`SignatureError::Signature`] if no signature matches a secret.
    pub fn verify_body(
        &self,
        headers: &SignedHeaders<'_>,
        body: &[u8],
    ) -> Result<DeliveryId, SignatureError> {
        let signed = self.secrets.iter().any(|secret| {
            // Computed once per secret, because the body may be long.
            let expected = secret.sign(headers.id, headers.timestamp, body);
            let mut signatures = headers.signatures.iter();
            signatures.any(|signature| verify_slices_are_equal(expected.as_ref(), signature).is_ok())
        });
        if signed {
            Ok(DeliveryId::new(headers.id))
        } else {
            Err(SignatureError::Signature)
        }
    }

    fn names(&self, headers: &HeaderMap) -> Names {
        let svix = [SVIX.id, SVIX.timestamp, SVIX.signature];
        if self.accept_standard_names && !svix.iter().any(|name| headers.contains_key(*name)) {
            STANDARD_NAMES
        } else {
            SVIX
        }
    }
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WebhookVerifier")
            .field("secrets", &self.secrets.len())
            .field("accept_standard_names", &self.accept_standard_names)
            .finish_non_exhaustive()
    }
}

/// Returns the single value of a header: not empty, visible ASCII and perhaps spaces. Surrounding white space is not
/// part of the value (RFC 9110 section 5.5), so no trimming is needed, unlike in Clerk's SDK.
fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, SignatureError> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    let value = values.next().ok_or(SignatureError::HeaderMissing(name))?;
    if values.next().is_some() {
        return Err(SignatureError::HeaderRepeated(name));
    }
    match value.to_str() {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(SignatureError::HeaderMalformed(name)),
    }
}

/// Parses whole seconds in canonical form. Clerk's SDK for JavaScript reads the `parseInt` prefix of `1700000000.123`
/// and signs that; Svix's library for Rust rejects it. A canonical form avoids the disagreement.
fn seconds(text: &str) -> Option<i64> {
    let is_canonical =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_canonical { text.parse().ok() } else { None }
}

/// Returns the signatures to compare. A signature of another version, or one that is not the base64 of an HMAC-SHA256,
/// is skipped, as the specification requires.
fn signatures_of(header: &str) -> Result<Vec<[u8; SIGNATURE]>, SignatureError> {
    if header.split(' ').count() > MAX_SIGNATURES {
        return Err(SignatureError::TooManySignatures);
    }
    let mut known = false;
    let versioned = header
        .split(' ')
        .filter_map(|signature| signature.split_once(','));
    let signatures = versioned
        .filter(|(version, _)| *version == VERSION)
        .inspect(|_| known = true)
        .filter_map(|(_, encoded)| STANDARD.decode(encoded).ok()?.try_into().ok())
        .collect();
    if known {
        Ok(signatures)
    } else {
        Err(SignatureError::NoKnownVersion)
    }
}
