//! Records users whose rows other transactions have locked, so that such a row occupies one connection of the pool and
//! not all of them.
//!
//! A write that is abandoned while it waits for a lock continues to wait in the server, and occupies its connection.
//! The next write of the same user therefore uses a short `lock_timeout`, and is repeated until its request ends.

use quick_cache::sync::Cache;

/// The maximum number of recorded users.
const MAX_REMEMBERED: usize = 1_000;

/// The users whose last write was abandoned.
pub(crate) struct Stuck(Cache<Box<str>, ()>);

impl Default for Stuck {
    fn default() -> Self {
        Self(Cache::new(MAX_REMEMBERED))
    }
}

/// A running write. If it is dropped before [`end`](Self::end), the write counts as abandoned.
pub(crate) struct Attempt<'a> {
    stuck: &'a Stuck,
    clerk_id: &'a str,
    has_ended: bool,
}

impl Stuck {
    /// Returns whether the user's last write was abandoned.
    pub(crate) fn contains(&self, clerk_id: &str) -> bool {
        // The list is usually empty.
        !self.0.is_empty() && self.0.get(clerk_id).is_some()
    }

    pub(super) fn attempt<'a>(&'a self, clerk_id: &'a str) -> Attempt<'a> {
        Attempt {
            stuck: self,
            clerk_id,
            has_ended: false,
        }
    }
}

impl Attempt<'_> {
    /// Records that the database has answered, with any result.
    pub(crate) fn end(mut self) {
        self.has_ended = true;
        if !self.stuck.0.is_empty() {
            self.stuck.0.remove(self.clerk_id);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.stuck.0.insert(self.clerk_id.into(), ());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_stuck_from_a_write_that_is_given_up_to_one_that_is_answered() {
        let stuck = Stuck::default();
        stuck.attempt("user_ada").end();
        assert!(!stuck.contains("user_ada"));
        drop(stuck.attempt("user_ada"));
        assert!(stuck.contains("user_ada") && !stuck.contains("user_eve"));
        stuck.attempt("user_eve").end();
        assert!(stuck.contains("user_ada"));
        stuck.attempt("user_ada").end();
        assert!(!stuck.contains("user_ada"));
    }
}
