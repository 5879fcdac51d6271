//! From a request's headers to a verified session: credential, compact JWT, signature, claims.

mod base64url;
pub(crate) mod cache;
mod cookies;
mod credential;
pub(crate) mod header;
#[cfg(feature = "jwks")]
pub(crate) mod jwks;
pub(crate) mod key;
mod pem;
mod refusal;
pub(crate) mod verifier;

pub use key::KeyError;
pub use refusal::Refusal;

pub(crate) use cookies::CookieNames;
pub(crate) use credential::{Credential, credential};
