//! Keeps a person's row equal to what Clerk says, whatever runs at once.
//!
//! Read first, write only on change, and let the upsert settle races: an unchanged user costs one read-only statement.

mod breaker;
mod builder;
mod conflict;
mod deletion;
#[cfg(feature = "webhooks")]
mod deliveries;
mod dialect;
mod error;
#[cfg(feature = "backend-api")]
mod fallback;
mod fresh;
#[cfg(feature = "postgres")]
mod listener;
#[cfg(any(feature = "postgres", feature = "webhooks"))]
mod notice;
mod observation;
mod plan;
mod reads;
#[cfg(feature = "webhooks")]
mod receive;
mod report;
mod settle;
mod store;
mod user_sync;
mod version;
mod writers;

pub use builder::{UserPool, UserSyncBuilder};
pub use deletion::Deletion;
#[cfg(feature = "webhooks")]
pub use deliveries::CREATE_DELIVERIES;
pub use error::{BoxError, SyncError};
pub use plan::SyncOutcome;
pub use user_sync::{Synced, UserSync};
pub use version::Version;
