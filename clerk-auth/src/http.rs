//! HTTP: which addresses are safe, what an origin and an issuer look like, and the client that fetches from them.

pub(crate) mod address;
#[cfg(any(feature = "jwks", feature = "backend-api", feature = "dev"))]
pub(crate) mod client;
pub(crate) mod origin;
