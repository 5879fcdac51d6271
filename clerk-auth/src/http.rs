//! HTTP: safe addresses, the form of origins and issuers, and the client that fetches from them.

pub(crate) mod address;
#[cfg(any(feature = "jwks", feature = "backend-api", feature = "dev"))]
pub(crate) mod client;
pub(crate) mod origin;
