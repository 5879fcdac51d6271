//! All SQL, and the database's reactions.

pub(super) mod bookkeeping;
#[cfg(feature = "backend-api")]
pub(super) mod bulk;
pub(super) mod connection;
pub(super) mod delete;
pub(super) mod delivery;
pub(super) mod denials;
pub(super) mod dialect;
pub(super) mod error;
pub(super) mod holders;
pub(super) mod hooks;
pub(super) mod implementation;
pub(super) mod interface;
pub(super) mod link;
pub(super) mod normalized;
pub(super) mod queries;
pub(super) mod retry;
pub(super) mod sql_store;
pub(super) mod sqlstate;
pub(super) mod stuck;
pub(super) mod upsert;
pub(super) mod vacant_entry;
pub(super) mod violated;
