//! Keeps a person's row equal to what Clerk says, whatever runs at once.
//!
//! Read first, write only on change, and let the upsert settle races: an unchanged user costs one read-only statement.

mod plan;
mod store;
mod user_sync;
mod version;

pub use plan::SyncOutcome;
pub use user_sync::{SyncError, Synced, UserPool, UserSync};
pub use version::Version;
