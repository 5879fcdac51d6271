//! Keeps a person's row equal to what Clerk says, whatever runs at once.
//!
//! Read first, write only on change, and let the upsert settle races: an unchanged user costs one read-only statement.

mod breaker;
mod builder;
mod conflict;
mod dialect;
mod error;
mod fresh;
#[cfg(feature = "postgres")]
mod listener;
mod plan;
mod reads;
mod report;
mod store;
mod user_sync;
mod version;

pub use builder::{UserPool, UserSyncBuilder};
pub use error::{BoxError, SyncError};
pub use plan::SyncOutcome;
pub use user_sync::{Synced, UserSync};
pub use version::Version;
