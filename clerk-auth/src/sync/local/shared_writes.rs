//! Shares write counters among the handles of one process on one table, so that a write through one handle invalidates
//! the copies of all.
//!
//! The writes of other processes arrive through PostgreSQL, a moment after their commit. Within the process, a write is
//! visible to all handles once it has returned.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::striped::Striped;
use crate::sync::random;

/// The number of counters. Users that share a counter lose their copies together; with this many counters, that is
/// rare.
const COUNTERS: usize = 1_024;

/// The tables for which this process has handles.
static TABLES: Mutex<Vec<(Box<str>, Weak<SharedWrites>)>> = Mutex::new(Vec::new());

/// The writes of this process to one table.
pub(crate) struct SharedWrites {
    pub(super) counters: Striped<AtomicU64>,
    /// The id by which handles recognize their own announcements.
    pub(crate) sender: Arc<str>,
}

impl SharedWrites {
    /// Returns the counters for a place: a database address and a table name.
    pub(crate) fn for_table(place: &str) -> Arc<Self> {
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        tables.retain(|(_, writes)| writes.strong_count() > 0);
        let known = tables.iter().find(|(known, _)| **known == *place);
        if let Some(writes) = known.and_then(|(_, writes)| writes.upgrade()) {
            return writes;
        }
        let writes = Arc::new(Self {
            counters: Striped::new(COUNTERS),
            sender: random::mark().into(),
        });
        tables.push((place.into(), Arc::downgrade(&writes)));
        writes
    }
}
