//! A copy of a row where its struct is `Clone`, and nothing where it is not.

use std::marker::PhantomData;

/// A struct that may be `Clone`.
pub struct Copied<T>(PhantomData<T>);

impl<T: Clone> Copied<T> {
    /// A clone.
    pub fn copy(of: &T) -> Option<T> {
        Some(of.clone())
    }
}

/// The fallback of [`Copied`] for a struct that is not `Clone`.
pub trait NotCopied<T> {
    /// Nothing.
    fn copy(_: &T) -> Option<T> {
        None
    }
}

impl<T> NotCopied<T> for Copied<T> {}
