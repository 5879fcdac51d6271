//! A local stand-in for Clerk, to run an application without an account. Never for production: it signs in anybody as
//! anybody.

mod deliveries;
mod directory;
mod stand_in;
mod token_request;
mod user_request;

pub use stand_in::{StandIn, StandInError};
