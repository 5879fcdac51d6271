//! Shares write counters among the handles of one process on one table, so that a write through one handle invalidates
//! the copies of all.
//!
//! The writes of other processes arrive through PostgreSQL, a moment after their commit. Within the process, a write is
//! visible to all handles once it has returned.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::striped::Striped;
use crate::sync::random;
use crate::sync::shared::Shared;

/// The number of counters. Users that share a counter lose their copies together; with this many counters, that is
/// rare.
const COUNTERS: usize = 1_024;

/// The tables for which this process has handles.
static TABLES: Shared<Box<str>, SharedWrites> = Shared::new();

/// The writes of this process to one table.
pub(crate) struct SharedWrites {
    pub(super) counters: Striped<AtomicU64>,
    /// The id by which handles recognize their own announcements.
    pub(crate) sender: Arc<str>,
}

impl SharedWrites {
    /// Returns the counters for a place: a database address and a table name.
    pub(crate) fn for_table(place: &str) -> Arc<Self> {
        TABLES.get_or_create(place.into(), || {
            Arc::new(Self {
                counters: Striped::new(COUNTERS),
                sender: random::mark().into(),
            })
        })
    }
}
