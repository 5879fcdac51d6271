//! Rows that were read a moment ago, served without a look at the database until somebody has written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::{Cache, EntryAction, EntryResult};

use super::shared_writes::SharedWrites;
use crate::session::Session;
#[cfg(feature = "postgres")]
use crate::sync::model::announcement::ANY;
use crate::sync::model::row::Stored;
use crate::sync::model::version::Version;
use crate::time::Timestamp;

/// How many rows are kept. One costs its struct's own size, that of its token's claims, and about 200 bytes.
const MOST_ROWS: usize = 10_000;

/// Copies of rows, each good for a while. A copy dies by its age, or because a counter that its user hashes to has moved
/// since before the row was read: no write, webhook or invalidation has to find it.
pub(crate) struct FreshRows<U> {
    fresh_for: Duration,
    rows: Cache<Box<str>, Arc<FreshRow<U>>>,
    writes: Arc<SharedWrites>,
    /// Nobody else can write unheard.
    hears_writes: AtomicBool,
}

/// One row as it was read.
pub(crate) struct FreshRow<U> {
    pub(crate) stored: Stored<U>,
    /// The session whose claims the row was last compared with.
    pub(crate) session: Session,
    pub(crate) read: Reading,
}

impl<U> FreshRow<U> {
    /// Of two copies the newer one's is greater.
    fn order(&self) -> (Version, Instant) {
        (self.stored.version, self.read.instant)
    }
}

/// When a row was read: taken before the read begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    writes: u64,
    /// Never set back, and stands still while the machine sleeps.
    instant: Instant,
    /// Goes on while the machine sleeps, and may be set back.
    clock: Timestamp,
}

/// A write under way.
pub(crate) struct Writing<'a> {
    counter: &'a AtomicU64,
    began: Reading,
    done: bool,
}

impl Writing<'_> {
    /// When the row that was written is from; `None` if somebody else has written meanwhile, who may have been later.
    pub(crate) fn done(mut self) -> Option<Reading> {
        let after = self.began.writes + 1;
        self.counter
            .compare_exchange(self.began.writes, after, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        self.done = true;
        Some(Reading {
            writes: after,
            ..self.began
        })
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.counter.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl<U> FreshRows<U> {
    pub(crate) fn new(fresh_for: Duration, writes: Arc<SharedWrites>, hears_writes: bool) -> Self {
        let capacity = if fresh_for.is_zero() { 0 } else { MOST_ROWS };
        Self {
            fresh_for,
            rows: Cache::new(capacity),
            writes,
            hears_writes: AtomicBool::new(hears_writes),
        }
    }

    /// Whether rows are kept at all.
    pub(crate) fn keeps(&self) -> bool {
        !self.fresh_for.is_zero()
    }

    /// The copy of a user's row, if it is good.
    pub(crate) fn get(&self, clerk_id: &str, now: Timestamp) -> Option<Arc<FreshRow<U>>> {
        if !self.keeps() || !self.hears_writes.load(Ordering::Acquire) {
            return None;
        }
        let row = self.rows.get(clerk_id)?;
        let age = row.read.instant.elapsed();
        // A clock set back makes the row of unknown age.
        let is_young =
            now >= row.read.clock && now.since(row.read.clock) < self.fresh_for && age < self.fresh_for;
        (is_young && row.read.writes == self.writes.counters.of(clerk_id).load(Ordering::Acquire))
            .then_some(row)
    }

    /// To be called before a read begins.
    pub(crate) fn reading(&self, clerk_id: &str, now: Timestamp) -> Reading {
        Reading {
            writes: self.writes.counters.of(clerk_id).load(Ordering::Acquire),
            instant: Instant::now(),
            clock: now,
        }
    }

    /// Keeps a row that was read. If somebody has written since the read began, nobody will see it.
    ///
    /// A newer row stays: who wrote the older one may hear of that only when another request has read the newer one already,
    /// and been answered with it.
    pub(crate) fn put(&self, clerk_id: &str, row: FreshRow<U>) {
        if !self.keeps() || row.stored.deleted {
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
            // In vain if the cache has been emptied meanwhile.
            let _ = place.insert(row);
        }
    }

    /// Somebody has written the user's row: no copy read before is good.
    pub(crate) fn written(&self, clerk_id: &str) {
        self.writes.counters.of(clerk_id).fetch_add(1, Ordering::AcqRel);
    }

    /// Another process says whose rows it has written: one user's, several with spaces between them, or [`ANY`].
    #[cfg(feature = "postgres")]
    pub(crate) fn hear(&self, written: &str) {
        if written == ANY {
            return self.any_written();
        }
        // Clerk's ids have no spaces; of one that had, the whole is what counts.
        self.written(written);
        if written.contains(' ') {
            written.split(' ').for_each(|clerk_id| self.written(clerk_id));
        }
    }

    /// Somebody has written rows, and nobody says whose: no copy read before is good.
    #[cfg(feature = "postgres")]
    pub(super) fn any_written(&self) {
        for counter in self.writes.counters.all() {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// To be called before this process writes the user's row. However that ends, no copy read before is good.
    pub(crate) fn writing<'a>(&'a self, clerk_id: &'a str, now: Timestamp) -> Writing<'a> {
        Writing {
            counter: self.writes.counters.of(clerk_id),
            began: self.reading(clerk_id, now),
            done: false,
        }
    }

    /// Whether the writes of other processes are heard. When that begins anew, anything may have been missed.
    #[cfg(feature = "postgres")]
    pub(crate) fn set_hears_writes(&self, hears: bool) {
        if hears {
            self.any_written();
        }
        self.hears_writes.store(hears, Ordering::Release);
    }
}
