//! A bounded set of denials by subject, read without a lock.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;

use super::denial::{Denial, Key, Subject};
use crate::time::Timestamp;

/// Denials that share a bucket are copied together when one of them changes. A power of two.
const BUCKETS: usize = 8_192;

/// Denials of unexpired events.
pub(super) struct Register {
    /// The greatest sum of weights.
    most: usize,
    /// Absent until the first denial, which most processes never have.
    buckets: OnceLock<Box<[ArcSwapOption<Vec<Entry>>]>>,
    hasher: RandomState,
    /// Only writers lock it.
    ages: Mutex<Ages>,
    /// The latest `recorded_at` of a denial that had to be dropped, in milliseconds.
    floor: AtomicI64,
}

#[derive(Clone)]
struct Entry {
    denial: Denial,
    age: Age,
}

/// The order in which denials are dropped: first those that admit, then the oldest. The number makes each age unique.
type Age = (bool, Timestamp, u64);

#[derive(Default)]
struct Ages {
    subjects: BTreeMap<Age, Subject>,
    weight: usize,
    next: u64,
}

impl Register {
    pub(super) fn with_capacity(most: usize) -> Self {
        Self {
            most,
            buckets: OnceLock::new(),
            hasher: RandomState::new(),
            ages: Mutex::default(),
            floor: AtomicI64::new(i64::MIN),
        }
    }

    /// Returns whether there has never been a denial.
    pub(super) fn is_unused(&self) -> bool {
        self.buckets.get().is_none()
    }

    /// Returns the latest `recorded_at` of a denial that had to be dropped. The event was earlier, so it only concerns
    /// tokens whose claims were read before this time.
    pub(super) fn floor(&self) -> i64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Reads the unexpired denial of a subject.
    pub(super) fn read<T>(
        &self,
        key: Key<'_>,
        now: Timestamp,
        read: impl FnOnce(&Denial) -> Option<T>,
    ) -> Option<T> {
        let bucket = self.bucket(self.buckets.get()?, key).load();
        let entry = find(bucket.as_deref()?, key)?;
        if entry.denial.expires_at > now {
            read(&entry.denial)
        } else {
            None
        }
    }

    /// Returns whether a denial or an admission of a subject is recorded, expired or not.
    pub(super) fn knows(&self, key: Key<'_>) -> bool {
        let Some(buckets) = self.buckets.get() else {
            return false;
        };
        let bucket = self.bucket(buckets, key).load();
        bucket
            .as_deref()
            .is_some_and(|entries| find(entries, key).is_some())
    }

    /// Records a denial unless a newer one of its subject is known. `recorded_at` is when it was first recorded anywhere.
    pub(super) fn record(&self, mut denial: Denial, recorded_at: Timestamp, now: Timestamp) {
        if denial.expires_at <= now {
            return;
        }
        let buckets = self
            .buckets
            .get_or_init(|| (0..BUCKETS).map(|_| ArcSwapOption::empty()).collect());
        let mut ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = denial.subject.clone();
        let bucket = self.bucket(buckets, subject.key());
        let mut entries = bucket.load().as_deref().cloned().unwrap_or_default();
        if let Some(known) = find(&entries, subject.key()) {
            if known.denial.expires_at > now {
                let Some(newer) = denial.after(&known.denial) else {
                    return;
                };
                denial = newer;
            }
            let age = known.age;
            ages.subjects.remove(&age);
            ages.weight -= known.denial.weight();
            entries.retain(|entry| entry.age != age);
        }
        let age = (denial.denies(), recorded_at, ages.next);
        ages.next += 1;
        ages.weight += denial.weight();
        entries.push(Entry { denial, age });
        bucket.store(Some(Arc::new(entries)));
        ages.subjects.insert(age, subject);
        self.forget_expired(buckets, &mut ages, now);
        while ages.weight > self.most {
            let Some((age, subject)) = ages.subjects.pop_first() else {
                return;
            };
            self.remove(buckets, &mut ages, age, &subject, true);
        }
    }

    /// Drops expired denials from the ends of the order of age, which is nearly that of expiry. An expired denial in
    /// between is dropped later, and denies no token until then.
    fn forget_expired(&self, buckets: &[ArcSwapOption<Vec<Entry>>], ages: &mut Ages, now: Timestamp) {
        for denies in [false, true] {
            loop {
                let from = (denies, Timestamp::from_millis(i64::MIN), 0);
                let Some((&age, subject)) = ages.subjects.range(from..).next() else {
                    break;
                };
                let bucket = self.bucket(buckets, subject.key()).load();
                let entry = bucket.as_deref().and_then(|entries| find(entries, subject.key()));
                if age.0 != denies || entry.is_some_and(|entry| entry.denial.expires_at > now) {
                    break;
                }
                if let Some(subject) = ages.subjects.remove(&age) {
                    self.remove(buckets, ages, age, &subject, false);
                }
            }
        }
    }

    /// Removes a denial. If it has not expired, the floor is raised first, so that every request sees the denial or the
    /// floor.
    fn remove(
        &self,
        buckets: &[ArcSwapOption<Vec<Entry>>],
        ages: &mut Ages,
        age: Age,
        subject: &Subject,
        is_alive: bool,
    ) {
        let bucket = self.bucket(buckets, subject.key());
        let mut entries = bucket.load().as_deref().cloned().unwrap_or_default();
        let Some(place) = entries.iter().position(|entry| entry.age == age) else {
            return;
        };
        let Entry { denial, age } = entries.swap_remove(place);
        if is_alive && denial.denies() {
            self.floor.fetch_max(age.1.as_millis(), Ordering::AcqRel);
        }
        ages.weight -= denial.weight();
        bucket.store((!entries.is_empty()).then(|| Arc::new(entries)));
    }

    fn bucket<'b>(
        &self,
        buckets: &'b [ArcSwapOption<Vec<Entry>>],
        key: Key<'_>,
    ) -> &'b ArcSwapOption<Vec<Entry>> {
        // Part of the hash suffices.
        let hash = self.hasher.hash_one(key) as usize;
        &buckets[hash % BUCKETS]
    }
}

fn find<'e>(entries: &'e [Entry], key: Key<'_>) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.denial.subject.key() == key)
}

#[cfg(test)]
impl Register {
    pub(super) fn len(&self) -> usize {
        self.ages.lock().expect("no panic").subjects.len()
    }

    pub(super) fn longest_bucket(&self) -> usize {
        let buckets = self.buckets.get().expect("there are denials");
        let lengths = buckets
            .iter()
            .filter_map(|bucket| bucket.load().as_deref().map(Vec::len));
        lengths.max().unwrap_or(0)
    }
}
