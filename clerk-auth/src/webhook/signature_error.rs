//! The reasons why a delivery is not accepted as Clerk's, with their codes.

/// The maximum number of signatures, of any version.
pub(super) const MAX_SIGNATURES: usize = 16;

/// The reason why a delivery is not accepted as Clerk's. The sender is at fault, or the secret or the clock of this
/// server is wrong.
///
/// Each reason has a [`code`](Self::code), which is safe to return: it only concerns the sender's headers and the time,
/// and whether the signature matches. Svix shows the answer to the team.
///
/// ```
/// use axum::http::HeaderMap;
/// use clerk_auth::webhook::{SignatureError, WebhookVerifier};
///
/// fn advice(error: SignatureError) -> &'static str {
///     match error {
///         SignatureError::Signature => "is the secret that of this endpoint, and does nothing change the body?",
///         SignatureError::TooOld | SignatureError::InTheFuture => "is the clock of this machine right?",
///         _ => "does the request come from Clerk?",
///     }
/// }
///
/// let verifier = WebhookVerifier::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?);
/// let error = verifier.verify(&HeaderMap::new(), b"", verifier.now()).unwrap_err();
/// assert_eq!(error, SignatureError::HeaderMissing("svix-id"));
/// assert_eq!(advice(error), "does the request come from Clerk?");
/// # Ok::<(), clerk_auth::webhook::SigningSecretError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A header is missing.
    #[error("the header `{0}` is missing")]
    HeaderMissing(&'static str),
    /// A header occurs more than once. The header is not a list, so a proxy may have checked one value and this library
    /// another (RFC 9110 section 5.3).
    #[error("the header `{0}` occurs more than once")]
    HeaderRepeated(&'static str),
    /// A header is empty, too long, or contains invalid characters.
    #[error("the header `{0}` is malformed")]
    HeaderMalformed(&'static str),
    /// The header has more signatures than a rotation needs.
    #[error("there are more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// No signature has the version `v1`.
    #[error("there is no signature of the version `v1`")]
    NoKnownVersion,
    /// The delivery is older than [`TOLERANCE`](super::TOLERANCE), or the clock here is fast.
    #[error("the delivery is too old")]
    TooOld,
    /// The delivery's timestamp is in the future by more than [`TOLERANCE`](super::TOLERANCE), or the clock here is slow.
    #[error("the delivery's timestamp is in the future")]
    InTheFuture,
    /// No signature matches a secret: the body was changed, or the secret belongs to another endpoint.
    #[error("the signature is not valid")]
    Signature,
}

impl SignatureError {
    /// Returns the stable code by which reasons are distinguished.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::HeaderMissing(_) => "webhook_header_missing",
            Self::HeaderRepeated(_) => "webhook_header_repeated",
            Self::HeaderMalformed(_) => "webhook_header_malformed",
            Self::TooManySignatures => "webhook_signatures_too_many",
            Self::NoKnownVersion => "webhook_signature_version_unknown",
            Self::TooOld => "webhook_too_old",
            Self::InTheFuture => "webhook_in_the_future",
            Self::Signature => "webhook_signature_invalid",
        }
    }
}
