//! A local stand-in for Clerk, to run an application without an account. Never for production: it signs in anybody as
//! anybody.

mod directory;
mod stand_in;
mod token_request;

pub use stand_in::{StandIn, StandInError};
