//! Caches recently read rows until a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::{Cache, EntryAction, EntryResult};

use super::shared_writes::SharedWrites;
use crate::session::Session;
#[cfg(feature = "postgres")]
use crate::sync::model::announcement::ANY;
use crate::sync::model::row::StoredRow;
use crate::sync::model::version::Version;
use crate::time::Timestamp;

/// The maximum number of cached rows. A row costs its struct's own size, that of its token's claims, and about 200
/// bytes.
const MAX_ROWS: usize = 10_000;

/// Copies of rows, each valid for a limited time. A write, webhook or invalidation increments a counter to which the
/// user hashes. A copy is valid only if the counter has not changed since before the row was read.
pub(crate) struct RowCache<U> {
    fresh_for: Duration,
    rows: Cache<Box<str>, Arc<CachedRow<U>>>,
    writes: Arc<SharedWrites>,
    /// True while this process receives every other process's write notifications.
    is_listening: AtomicBool,
}

/// A cached row.
pub(crate) struct CachedRow<U> {
    pub(crate) stored: StoredRow<U>,
    /// The session whose claims the row was last compared with.
    pub(crate) session: Session,
    pub(crate) read: ReadStamp,
}

impl<U> CachedRow<U> {
    /// Returns the order of two copies: that of the newer one is greater.
    fn order(&self) -> (Version, Instant) {
        (self.stored.version, self.read.instant)
    }
}

/// The time at which a row was read, taken before the read begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadStamp {
    writes: u64,
    /// Monotonic, but stops while the machine sleeps.
    instant: Instant,
    /// Continues while the machine sleeps, and may be set back.
    clock: Timestamp,
}

/// A running write.
pub(crate) struct WriteTicket<'a> {
    counter: &'a AtomicU64,
    began: ReadStamp,
    done: bool,
}

impl WriteTicket<'_> {
    /// Returns the stamp of the written row; `None` after another, possibly later, write.
    pub(crate) fn done(mut self) -> Option<ReadStamp> {
        let after = self.began.writes + 1;
        self.counter
            .compare_exchange(self.began.writes, after, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        self.done = true;
        Some(ReadStamp {
            writes: after,
            ..self.began
        })
    }
}

impl Drop for WriteTicket<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.counter.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl<U> RowCache<U> {
    pub(crate) fn new(fresh_for: Duration, writes: Arc<SharedWrites>, is_listening: bool) -> Self {
        let capacity = if fresh_for.is_zero() { 0 } else { MAX_ROWS };
        Self {
            fresh_for,
            rows: Cache::new(capacity),
            writes,
            is_listening: AtomicBool::new(is_listening),
        }
    }

    /// Returns whether rows are cached at all.
    pub(crate) fn is_enabled(&self) -> bool {
        !self.fresh_for.is_zero()
    }

    /// Returns the copy of a user's row, if it is valid.
    pub(crate) fn get(&self, clerk_id: &str, now: Timestamp) -> Option<Arc<CachedRow<U>>> {
        if !self.is_enabled() || !self.is_listening.load(Ordering::Acquire) {
            return None;
        }
        let row = self.rows.get(clerk_id)?;
        let age = row.read.instant.elapsed();
        // If the clock was set back, the age is unknown.
        let is_young =
            now >= row.read.clock && now.since(row.read.clock) < self.fresh_for && age < self.fresh_for;
        (is_young && row.read.writes == self.writes.counters.get(clerk_id).load(Ordering::Acquire))
            .then_some(row)
    }

    /// Returns the stamp of a read; call it before the read begins.
    pub(crate) fn stamp(&self, clerk_id: &str, now: Timestamp) -> ReadStamp {
        ReadStamp {
            writes: self.writes.counters.get(clerk_id).load(Ordering::Acquire),
            instant: Instant::now(),
            clock: now,
        }
    }

    /// Caches a row that was read. If the row was written after the read began, the copy is never served.
    ///
    /// Never replaces a newer row. The writer of an older row may get here only after another request has read, and
    /// returned, the newer row.
    pub(crate) fn put(&self, clerk_id: &str, row: CachedRow<U>) {
        if !self.is_enabled() || row.stored.deleted {
            return;
        }
        let row = Arc::new(row);
        let entry = self.rows.entry(&Box::from(clerk_id), None, |_, kept| {
            let is_young = kept.read.instant.elapsed() < self.fresh_for;
            if !is_young || kept.order() <= row.order() {
                *kept = Arc::clone(&row);
            }
            EntryAction::Retain(())
        });
        if let EntryResult::Vacant(place) = entry {
            // Has no effect if the cache was cleared meanwhile.
            let _ = place.insert(row);
        }
    }

    /// Records a write of the user's row, which invalidates earlier copies.
    pub(crate) fn invalidate(&self, clerk_id: &str) {
        self.writes.counters.get(clerk_id).fetch_add(1, Ordering::AcqRel);
    }

    /// Applies another process's notification of written rows: one user id, several separated by spaces, or [`ANY`].
    #[cfg(feature = "postgres")]
    pub(crate) fn apply_notification(&self, sender: &str, written: &str) {
        if *sender == *self.writes.sender {
            return;
        }
        if written == ANY {
            return self.invalidate_all();
        }
        // Clerk's ids have no spaces; an id with a space matches as a whole.
        self.invalidate(written);
        if written.contains(' ') {
            written.split(' ').for_each(|clerk_id| self.invalidate(clerk_id));
        }
    }

    /// Records writes of unknown rows, which invalidates all earlier copies.
    #[cfg(feature = "postgres")]
    pub(super) fn invalidate_all(&self) {
        for counter in self.writes.counters.all() {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Announces a write to the user's row; call it before this process writes. Earlier copies are invalid after any
    /// outcome.
    pub(crate) fn begin_write<'a>(&'a self, clerk_id: &'a str, now: Timestamp) -> WriteTicket<'a> {
        WriteTicket {
            counter: self.writes.counters.get(clerk_id),
            began: self.stamp(clerk_id, now),
            done: false,
        }
    }

    /// Sets whether the writes of other processes are received. Invalidates all copies when listening resumes, because
    /// notifications may have been missed.
    #[cfg(feature = "postgres")]
    pub(crate) fn set_listening(&self, hears: bool) {
        if hears {
            self.invalidate_all();
        }
        self.is_listening.store(hears, Ordering::Release);
    }
}
