//! A local stand-in for Clerk, to run an application without an account. Never for production: it signs in anybody as
//! anybody.
//!
//! A page of any site can make requests to this machine, and read the answers if its host name resolves to loopback (DNS
//! rebinding). The stand-in therefore answers only requests that are for a loopback host by name, and refuses pages of
//! other machines.

mod deliveries;
mod directory;
mod local_only;
mod stand_in;
mod token_request;
mod user_request;

pub use stand_in::{StandIn, StandInError};
