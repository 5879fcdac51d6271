//! Lock striping: users hash to a fixed number of entries, so that memory does not grow with the number of users.

use std::hash::{BuildHasher, RandomState};

/// A fixed number of entries. The hash is keyed, so a user cannot choose an entry.
pub(crate) struct Striped<T> {
    places: Box<[T]>,
    hasher: RandomState,
}

impl<T: Default> Striped<T> {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            places: (0..number).map(|_| T::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl<T> Striped<T> {
    /// Returns the entry of a user.
    pub(crate) fn get(&self, clerk_id: &str) -> &T {
        self.get_by_hash(self.hash(clerk_id))
    }

    /// Returns a hash that distinguishes users who share an entry.
    pub(crate) fn hash(&self, clerk_id: &str) -> u64 {
        self.hasher.hash_one(clerk_id)
    }

    pub(super) fn get_by_hash(&self, hash: u64) -> &T {
        let place = usize::try_from(hash >> 32).unwrap_or(0);
        &self.places[place % self.places.len()]
    }

    /// Returns the entries of all users.
    #[cfg(feature = "postgres")]
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.places.iter()
    }
}
