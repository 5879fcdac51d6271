//! Lets one request of this process at a time write a user's row.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use super::striped::Striped;

/// So many locks; users that share one wait for each other, which costs time and nothing else.
const LOCKS: usize = 1_024;

/// Who comes after another's turn looks at the row again: it may say by now what they would write.
pub(crate) struct WriteLocks {
    locks: Striped<Lock>,
}

#[derive(Default)]
struct Lock {
    turn: Mutex<()>,
    /// How many turns have ended.
    ended: AtomicU64,
}

impl Lock {
    fn generation(&self) -> Generation {
        Generation(self.ended.load(Ordering::Acquire))
    }
}

/// How many turns had ended when a row was looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Generation(u64);

/// Nobody else of this process writes while this is held.
pub(crate) struct WriteGuard<'a> {
    ended: &'a AtomicU64,
    _guard: MutexGuard<'a, ()>,
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Ordering::Release);
    }
}

impl Default for WriteLocks {
    fn default() -> Self {
        Self {
            locks: Striped::new(LOCKS),
        }
    }
}

impl WriteLocks {
    /// To be called before the row is looked at.
    pub(crate) fn generation(&self, clerk_id: &str) -> Generation {
        self.locks.get(clerk_id).generation()
    }

    /// A turn to write; `None` if others are having theirs, or have had it since the row was looked at.
    pub(crate) fn try_lock(&self, clerk_id: &str, looked_at: Generation) -> Option<WriteGuard<'_>> {
        let lock = self.locks.get(clerk_id);
        let guard = lock.turn.try_lock().ok()?;
        (lock.generation() == looked_at).then(|| WriteGuard {
            ended: &lock.ended,
            _guard: guard,
        })
    }

    /// Waits until nobody has a turn.
    pub(crate) async fn wait(&self, clerk_id: &str) {
        drop(self.locks.get(clerk_id).turn.lock().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_after_a_turn_looks_at_the_row_again() {
        let write_locks = WriteLocks::default();
        let looked_at = write_locks.generation("user_ada");
        let turn = write_locks
            .try_lock("user_ada", looked_at)
            .expect("nobody writes");
        let waits = async {
            assert!(
                write_locks.try_lock("user_ada", looked_at).is_none(),
                "another writes"
            );
            write_locks.wait("user_ada").await;
        };
        tokio::join!(waits, async { drop(turn) });
        assert!(
            write_locks.try_lock("user_ada", looked_at).is_none(),
            "who waited has not seen what was written"
        );
        let looked_again = write_locks.generation("user_ada");
        assert!(write_locks.try_lock("user_ada", looked_again).is_some());
    }
}
