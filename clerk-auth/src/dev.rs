//! A local stand-in for Clerk, to run an application without an account. Never for production: the stand-in signs in
//! anybody as anybody.
//!
//! A page of any site can make requests to this machine, and read the answers if its host name resolves to loopback (DNS
//! rebinding). The stand-in therefore answers only requests that are for a loopback host by name, and refuses pages of
//! other machines.

mod clients;
mod control;
mod deliveries;
mod directory;
mod events;
mod frontend;
mod instance;
mod local_only;
mod minting;
mod organization_request;
mod organizations;
mod packages;
mod publishable_key;
mod random_id;
mod seed;
mod settings_request;
mod stand_in;
mod ticket_request;
mod token_request;
mod user_request;

pub use instance::Minter;
pub use stand_in::{StandIn, StandInError};
