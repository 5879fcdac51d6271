//! The reasons why a public key cannot be used.

/// The reason why a key cannot be used.
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::clerk::ConfigurationError;
/// use clerk_auth::token::KeyError;
///
/// let builder = Clerk::builder().issuer("https://clerk.example.com").jwt_key("sk_test_pasted_by_mistake");
/// assert!(matches!(builder.build(), Err(ConfigurationError::JwtKey(KeyError::Pem))));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not a public key in PEM.
    #[error(
        "expected a public key in PEM, `-----BEGIN PUBLIC KEY-----`, base64 and `-----END PUBLIC KEY-----`; copy the whole \
         of \"JWKS Public Key\" from Clerk's dashboard (API keys)"
    )]
    Pem,
    /// The text is a private key, which a server that only verifies must not have.
    #[error(
        "expected a public key, found a private key; replace it, and revoke the private key if it was shared"
    )]
    Private,
    /// The key is not RSA of 2048 to 8192 bits.
    #[error("the key is not an RSA key of 2048 to 8192 bits")]
    Rsa,
}
