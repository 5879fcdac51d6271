//! The users whose rows a unique index has refused lately.

use quick_cache::sync::Cache;

use crate::sync::model::version::Version;
use crate::time::Timestamp;

/// How many refused users are remembered.
const MAX_REMEMBERED: usize = 1_000;

/// The users who were refused lately, and why.
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
    /// Whether the user was refused lately.
    pub(crate) fn contains(&self, clerk_id: &str) -> bool {
        self.0.get(clerk_id).is_some()
    }
}
