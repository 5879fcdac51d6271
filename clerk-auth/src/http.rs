//! HTTP: which addresses are safe, and the client that fetches from them.

pub(crate) mod address;
#[cfg(any(feature = "jwks", feature = "backend-api", feature = "dev"))]
pub(crate) mod client;
