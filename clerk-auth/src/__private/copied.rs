//! Copies a row if its struct is `Clone`.

use std::marker::PhantomData;

/// A struct that may be `Clone`.
pub struct Copied<T>(PhantomData<T>);

impl<T: Clone> Copied<T> {
    /// Returns a clone.
    pub fn try_clone(of: &T) -> Option<T> {
        Some(of.clone())
    }
}

/// The fallback of [`Copied`] for a struct that is not `Clone`.
pub trait NotCopied<T> {
    /// Returns `None`.
    fn try_clone(_: &T) -> Option<T> {
        None
    }
}

impl<T> NotCopied<T> for Copied<T> {}
