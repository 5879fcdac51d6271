//! Lets one request of this process at a time write a user's row.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// So many locks; users that share one wait for each other, which costs time and nothing else.
const LOCKS: usize = 1_024;

/// Who comes after another's turn looks at the row again: it may say by now what they would write.
pub(super) struct Writers {
    locks: Box<[Lock]>,
    hasher: RandomState,
}

#[derive(Default)]
struct Lock {
    turn: Mutex<()>,
    /// How many turns have ended.
    ended: AtomicU64,
}

/// How many turns had ended when a row was looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ended(u64);

/// Nobody else of this process writes while this is held.
pub(super) struct Turn<'a> {
    ended: &'a AtomicU64,
    _guard: MutexGuard<'a, ()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Ordering::Release);
    }
}

impl Default for Writers {
    fn default() -> Self {
        Self {
            locks: (0..LOCKS).map(|_| Lock::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Writers {
    /// To be called before the row is looked at.
    pub(super) fn ended(&self, clerk_id: &str) -> Ended {
        Ended(self.lock(clerk_id).ended.load(Ordering::Acquire))
    }

    /// A turn to write; `None`, after they have ended, if others have had theirs since the row was looked at.
    pub(super) async fn turn(&self, clerk_id: &str, looked_at: Ended) -> Option<Turn<'_>> {
        let lock = self.lock(clerk_id);
        let Ok(guard) = lock.turn.try_lock() else {
            drop(lock.turn.lock().await);
            return None;
        };
        (self.ended(clerk_id) == looked_at).then(|| Turn {
            ended: &lock.ended,
            _guard: guard,
        })
    }

    fn lock(&self, clerk_id: &str) -> &Lock {
        let hash = usize::try_from(self.hasher.hash_one(clerk_id) >> 32).unwrap_or(0);
        &self.locks[hash % self.locks.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_after_a_turn_looks_at_the_row_again() {
        let writers = Writers::default();
        let looked_at = writers.ended("user_ada");
        let turn = writers.turn("user_ada", looked_at).await.expect("nobody writes");
        let (waited, ()) = tokio::join!(writers.turn("user_ada", looked_at), async { drop(turn) });
        assert!(waited.is_none(), "who waited has not seen what was written");
        assert!(
            writers.turn("user_ada", looked_at).await.is_none(),
            "nor has who comes later"
        );
        let looked_again = writers.ended("user_ada");
        assert!(writers.turn("user_ada", looked_again).await.is_some());
    }
}
