//! Values that handles of one process share as long as one of them is alive.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Shared values, by key.
pub(crate) struct Shared<K, T>(Mutex<Vec<(K, Weak<T>)>>);

impl<K: PartialEq, T> Shared<K, T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Returns the value that a handle keeps alive, or creates one.
    pub(crate) fn get_or_create(&self, key: K, create: impl FnOnce() -> Arc<T>) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.retain(|(_, value)| value.strong_count() > 0);
        let known = values.iter().find(|(known, _)| *known == key);
        if let Some(value) = known.and_then(|(_, value)| value.upgrade()) {
            return value;
        }
        let value = create();
        values.push((key, Arc::downgrade(&value)));
        value
    }
}
