//! How generated code names a field's type without a second error where rustc refuses the type itself.

use std::marker::PhantomData;

/// The type between the angle brackets.
pub type Same<T> = T;

/// A type that stands between angle brackets, and what names one.
pub trait Named {
    /// The type.
    type Type: ?Sized;
}

impl<T: ?Sized> Named for PhantomData<T> {
    type Type = T;
}

/// The type of a value that nobody has to have.
pub fn of<T: ?Sized>(_: &T) -> PhantomData<T> {
    PhantomData
}
