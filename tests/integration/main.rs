//! Tests through the public surface: the example application over HTTP, on real databases.

mod credentials;
mod fixture;
mod harness;
mod keys;
mod layout;
mod migrations;
mod process;
mod refusals;
mod shortcodes;
mod statements;
mod sync;
mod types;
