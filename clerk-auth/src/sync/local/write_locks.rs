//! Allows one writer per user's row at a time in this process.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use super::striped::Striped;

/// The number of locks. Users that share a lock wait for each other, which only costs time.
const LOCKS: usize = 1_024;

/// After waiting for the lock, a caller must re-read the row: the previous holder may have written the same values.
pub(crate) struct WriteLocks {
    locks: Striped<Lock>,
}

#[derive(Default)]
struct Lock {
    turn: Mutex<()>,
    /// The number of completed writes.
    ended: AtomicU64,
}

impl Lock {
    fn generation(&self) -> Generation {
        Generation(self.ended.load(Ordering::Acquire))
    }
}

/// The number of completed writes when a row was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Generation(u64);

/// Excludes other writers of this process while held.
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
    /// Returns the generation; call it before the row is read.
    pub(crate) fn generation(&self, clerk_id: &str) -> Generation {
        self.locks.get(clerk_id).generation()
    }

    /// Returns a guard to write; `None` if another task is writing, or has written since the row was read.
    pub(crate) fn try_lock(&self, clerk_id: &str, looked_at: Generation) -> Option<WriteGuard<'_>> {
        let lock = self.locks.get(clerk_id);
        let guard = lock.turn.try_lock().ok()?;
        (lock.generation() == looked_at).then(|| WriteGuard {
            ended: &lock.ended,
            _guard: guard,
        })
    }

    /// Waits until the lock is free.
    pub(crate) async fn wait(&self, clerk_id: &str) {
        drop(self.locks.get(clerk_id).turn.lock().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiter_must_reread_before_writing() {
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
