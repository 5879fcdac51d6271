//! Lets one request of this process at a time write a user's row.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use super::striped::Places;

/// So many locks; users that share one wait for each other, which costs time and nothing else.
const LOCKS: usize = 1_024;

/// Who comes after another's turn looks at the row again: it may say by now what they would write.
pub(crate) struct Writers {
    locks: Places<Lock>,
}

#[derive(Default)]
struct Lock {
    turn: Mutex<()>,
    /// How many turns have ended.
    ended: AtomicU64,
}

impl Lock {
    fn ended(&self) -> Ended {
        Ended(self.ended.load(Ordering::Acquire))
    }
}

/// How many turns had ended when a row was looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ended(u64);

/// Nobody else of this process writes while this is held.
pub(crate) struct Turn<'a> {
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
            locks: Places::new(LOCKS),
        }
    }
}

impl Writers {
    /// To be called before the row is looked at.
    pub(crate) fn ended(&self, clerk_id: &str) -> Ended {
        self.locks.of(clerk_id).ended()
    }

    /// A turn to write; `None` if others are having theirs, or have had it since the row was looked at.
    pub(crate) fn turn(&self, clerk_id: &str, looked_at: Ended) -> Option<Turn<'_>> {
        let lock = self.locks.of(clerk_id);
        let guard = lock.turn.try_lock().ok()?;
        (lock.ended() == looked_at).then(|| Turn {
            ended: &lock.ended,
            _guard: guard,
        })
    }

    /// Waits until nobody has a turn.
    pub(crate) async fn others(&self, clerk_id: &str) {
        drop(self.locks.of(clerk_id).turn.lock().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_after_a_turn_looks_at_the_row_again() {
        let writers = Writers::default();
        let looked_at = writers.ended("user_ada");
        let turn = writers.turn("user_ada", looked_at).expect("nobody writes");
        let waits = async {
            assert!(writers.turn("user_ada", looked_at).is_none(), "another writes");
            writers.others("user_ada").await;
        };
        tokio::join!(waits, async { drop(turn) });
        assert!(
            writers.turn("user_ada", looked_at).is_none(),
            "who waited has not seen what was written"
        );
        let looked_again = writers.ended("user_ada");
        assert!(writers.turn("user_ada", looked_again).is_some());
    }
}
