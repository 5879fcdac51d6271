//! The users whose rows a unique index has recently refused.

use quick_cache::sync::Cache;

use crate::sync::model::version::Version;
use crate::time::Timestamp;

/// The maximum number of recorded users.
const MAX_REMEMBERED: usize = 1_000;

/// The recently refused users, with the reasons.
pub(crate) struct Refusals(pub(crate) Cache<Box<str>, Refused>);

#[derive(Clone)]
pub(crate) struct Refused {
    pub(crate) version: Version,
    pub(crate) columns: Vec<usize>,
    pub(crate) holders: Vec<String>,
    pub(crate) at: Timestamp,
}

impl Default for Refusals {
    fn default() -> Self {
        Self(Cache::new(MAX_REMEMBERED))
    }
}

impl Refusals {
    /// Returns whether the user was refused recently.
    pub(crate) fn contains(&self, clerk_id: &str) -> bool {
        self.0.get(clerk_id).is_some()
    }
}
