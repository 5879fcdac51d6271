//! Keeps a person's row equal to what Clerk says, whatever runs at once.
//!
//! Read first, write only on change, and let the upsert settle races: an unchanged user costs one read-only statement.
#![doc = include_str!("docs/sync.md")]

mod announcement;
mod barring;
mod breaker;
mod builder;
#[cfg(feature = "backend-api")]
mod bulk;
mod conflict;
mod connection;
mod deletion;
#[cfg(feature = "webhooks")]
mod deliveries;
mod denial_watch;
mod denials;
mod dialect;
#[cfg(feature = "backend-api")]
mod drift;
mod error;
mod failure;
#[cfg(feature = "backend-api")]
mod fallback;
mod fresh;
mod holders;
#[cfg(feature = "backend-api")]
mod import;
#[cfg(feature = "backend-api")]
mod instance_proof;
#[cfg(feature = "postgres")]
mod listener;
mod newcomers;
mod normalized;
mod observation;
#[cfg(feature = "backend-api")]
mod page;
#[cfg(feature = "backend-api")]
mod patience;
mod places;
mod plan;
mod pool;
mod pool_store;
#[cfg(feature = "backend-api")]
mod progress;
#[cfg(feature = "backend-api")]
mod questions;
mod reads;
#[cfg(feature = "webhooks")]
mod receive;
mod report;
mod retry;
mod settle;
mod shared_writes;
mod sqlstate;
mod store;
mod stuck;
mod tasks;
#[cfg(feature = "backend-api")]
mod unknown;
mod unwind;
mod user_sync;
mod version;
mod violated;
mod write;
mod writers;

pub use crate::user::CREATE_DENIALS;
pub use builder::UserSyncBuilder;
pub use deletion::Deletion;
#[cfg(feature = "webhooks")]
pub use deliveries::CREATE_DELIVERIES;
#[cfg(feature = "backend-api")]
pub use drift::{Drift, UserList};
pub use error::{BoxError, SyncError};
pub(crate) use failure::Failure;
#[cfg(feature = "backend-api")]
pub use import::Import;
pub use plan::SyncOutcome;
pub use pool::UserPool;
#[cfg(feature = "backend-api")]
pub use progress::{ImportCounts, ImportCursor, ImportError, ImportProgress, InvalidCursor, NotImported};
pub use user_sync::{Synced, UserSync};
pub use version::Version;
