//! Records the keys of rows that other transactions have locked.
//!
//! A write that is abandoned while it waits for a lock continues to wait in the server, and occupies its connection.
//! The next write with the same key therefore uses a short `lock_timeout`, and is repeated until its request ends. Such
//! writes share a few connections: see [`WritePermits`](super::write_permits::WritePermits).
//!
//! A membership that is inserted also waits for the rows of its user and its organization. The next membership of either
//! uses the short timeout too.

use std::iter;

use quick_cache::sync::Cache;

use super::sqlstate::ErrorKind;

/// The maximum number of recorded keys.
const MAX_REMEMBERED: usize = 1_000;

/// The keys whose last write was abandoned. That of a membership is here with the ids of its user and organization.
pub(crate) struct Stuck(Cache<Box<str>, ()>);

impl Default for Stuck {
    fn default() -> Self {
        Self(Cache::new(MAX_REMEMBERED))
    }
}

/// A running write, with its repetitions. If it is dropped before [`end`](Self::end), the write counts as abandoned.
pub(crate) struct Attempt<'a> {
    stuck: &'a Stuck,
    clerk_id: &'a str,
    has_ended: bool,
}

impl Stuck {
    /// Returns whether the last write with this key was abandoned, or that of a membership with the same user or
    /// organization.
    pub(crate) fn contains(&self, clerk_id: &str) -> bool {
        // The list is usually empty.
        !self.0.is_empty() && with_references(clerk_id).any(|key| self.0.get(key).is_some())
    }

    pub(super) fn attempt<'a>(&'a self, clerk_id: &'a str) -> Attempt<'a> {
        Attempt {
            stuck: self,
            clerk_id,
            has_ended: false,
        }
    }
}

/// Returns a key, and those of the rows that it references.
fn with_references(key: &str) -> impl Iterator<Item = &str> {
    let references = key
        .split_once(':')
        .map(|(user, organization)| [user, organization]);
    iter::once(key).chain(references.into_iter().flatten())
}

impl Attempt<'_> {
    /// Records that the write did not get a lock in a short time.
    pub(super) fn record(&self) {
        for key in with_references(self.clerk_id) {
            self.stuck.0.insert(key.into(), ());
        }
    }

    /// Records the result: success, another error than one of the database, or this kind of error.
    pub(crate) fn end(mut self, failure: Option<ErrorKind>) {
        match failure {
            // No repetition got the lock.
            Some(ErrorKind::Race | ErrorKind::Cancelled) => return,
            // The row may be locked or not.
            Some(ErrorKind::Outage | ErrorKind::LostConnection) => {}
            // Another membership's write may not have waited for the same row.
            _ if !self.stuck.0.is_empty() && self.stuck.0.remove(self.clerk_id).is_some() => {
                for key in with_references(self.clerk_id) {
                    self.stuck.0.remove(key);
                }
            }
            _ => {}
        }
        self.has_ended = true;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.record();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_stuck_from_a_write_that_is_given_up_to_one_that_is_answered() {
        let stuck = Stuck::default();
        stuck.attempt("user_ada").end(None);
        assert!(!stuck.contains("user_ada"));
        drop(stuck.attempt("user_ada"));
        assert!(stuck.contains("user_ada") && !stuck.contains("user_eve"));
        stuck.attempt("user_eve").end(None);
        assert!(stuck.contains("user_ada"));
        stuck.attempt("user_ada").end(None);
        assert!(!stuck.contains("user_ada"));
    }

    #[test]
    fn record_changes_only_with_an_answer_of_the_database() {
        let stuck = Stuck::default();
        for failure in [ErrorKind::Outage, ErrorKind::LostConnection] {
            stuck.attempt("user_ada").end(Some(failure));
            assert!(!stuck.contains("user_ada"), "{failure:?}");
        }
        for failure in [ErrorKind::Race, ErrorKind::Cancelled] {
            stuck.attempt("user_ada").end(Some(failure));
            assert!(stuck.contains("user_ada"), "{failure:?}");
            for unknown in [ErrorKind::Outage, ErrorKind::LostConnection] {
                stuck.attempt("user_ada").end(Some(unknown));
                assert!(stuck.contains("user_ada"), "{unknown:?}");
            }
            stuck.attempt("user_ada").end(Some(ErrorKind::RefusedData));
            assert!(!stuck.contains("user_ada"));
        }
    }

    #[test]
    fn membership_is_stuck_with_every_other_of_its_user_and_organization() {
        let stuck = Stuck::default();
        drop(stuck.attempt("user_ada:org_1"));
        for key in ["user_ada:org_1", "user_eve:org_1", "user_ada:org_2"] {
            assert!(stuck.contains(key), "{key}");
        }
        assert!(!stuck.contains("user_eve:org_2"));
        stuck.attempt("user_eve:org_1").end(None);
        assert!(stuck.contains("user_eve:org_1"), "it may not have waited");
        stuck.attempt("user_ada:org_1").end(None);
        assert!(stuck.0.is_empty());
    }
}
