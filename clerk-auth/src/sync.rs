//! Keeps a user's row equal to Clerk's claims under any concurrency.
//!
//! Sync reads first, writes only on change, and lets the upsert resolve races: an unchanged user costs one read-only
//! statement.
#![doc = include_str!("docs/sync.md")]

#[cfg(feature = "backend-api")]
mod backend;
mod builder;
mod engine;
mod error;
mod failure;
mod flow;
mod follower_builder;
mod followers;
mod handle;
#[cfg(feature = "backend-api")]
mod import;
#[cfg(feature = "backend-api")]
mod link;
mod local;
mod member;
mod membership;
mod membership_follower;
mod model;
mod notify;
#[cfg(feature = "backend-api")]
mod offline;
mod organization;
mod pool;
mod random;
mod shared;
mod start;
mod store;
mod unwind;

pub use crate::row::CREATE_DENIALS;
pub use builder::UserSyncBuilder;
pub use error::SyncError;
pub(crate) use failure::Failure;
pub(crate) use flow::member::Lacking;
pub use follower_builder::FollowerBuilder;
pub use handle::UserSync;
#[cfg(feature = "backend-api")]
pub use import::cursor::{ImportCursor, ParseCursorError};
#[cfg(feature = "backend-api")]
pub use import::id::ImportedId;
#[cfg(feature = "backend-api")]
pub use import::progress::{ImportCounts, ImportProgress, NotImported};
#[cfg(feature = "backend-api")]
pub use import::run::Import;
#[cfg(feature = "backend-api")]
pub use import::verify::{Drift, IdList};
#[cfg(feature = "backend-api")]
pub use link::error::LinkError;
#[cfg(feature = "backend-api")]
pub use link::report::{LinkList, LinkMatch, LinkReport, NotLinked};
#[cfg(feature = "backend-api")]
pub use link::run::{LinkProgress, Linking};
pub use member::Member;
pub use membership::MembershipSync;
#[cfg(feature = "backend-api")]
pub use model::linking::LinkBy;
pub use model::outcome::{Deletion, SyncOutcome, Synced};
pub use model::version::Version;
#[cfg(feature = "backend-api")]
pub use offline::error::ImportError;
pub use organization::OrganizationSync;
pub use pool::{MemberPool, UserPool};
pub use store::delivery::CREATE_DELIVERIES;
pub use store::error::BoxError;
pub(crate) use unwind::{Panicked, caught_now};
