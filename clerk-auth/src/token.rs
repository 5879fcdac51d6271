//! Verifies a request's session token: credential, compact JWT, signature, claims.

mod base64url;
mod cache;
mod cookies;
mod credential;
mod error;
mod header;
#[cfg(feature = "jwks")]
mod jwks;
mod key;
mod key_error;
mod keys;
mod locate;
mod pem;
mod refusal;
mod unverified;
mod verifier;

pub use key_error::KeyError;
pub use refusal::Refusal;

pub(crate) use cookies::CookieNames;
pub(crate) use error::TokenError;
#[cfg(feature = "jwks")]
pub(crate) use jwks::parse as parse_jwks;
pub(crate) use keys::Keys;
pub(crate) use locate::credential;
pub(crate) use unverified::Expectations;
#[cfg(feature = "backend-api")]
pub(crate) use unverified::LEEWAY;
pub(crate) use verifier::Verifier;
