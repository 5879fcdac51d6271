//! What a team needs to test its own handlers offline: an issuer that mints tokens, and a clock that moves.
//!
//! Nothing here changes what a verifier accepts: the issuer is accepted only by a handle that was given its key.

mod clock;
mod issuer;

pub use clock::MovableClock;
pub use issuer::Issuer;
