//! Tests through the public surface: the example application over HTTP, on real databases.

mod backend_api;
mod conflicts;
mod credentials;
mod deletion;
mod faults;
mod fixture;
mod freshness;
mod harness;
mod hook;
mod import;
mod keys;
mod layout;
mod migrations;
mod model;
mod plans;
mod process;
mod processes;
mod refusals;
mod shortcodes;
mod statements;
mod sync;
mod trouble;
mod types;
mod webhooks;
mod webhooks_extractor;
mod write_free;
