//! Names a field's type in generated code, without a second error if rustc rejects the type itself.

use std::marker::PhantomData;

/// The type between the angle brackets.
pub type Same<T> = T;

/// A type between angle brackets, and the way to name the type.
pub trait Named {
    /// The type.
    type Type: ?Sized;
}

impl<T: ?Sized> Named for PhantomData<T> {
    type Type = T;
}

/// Names an expression's type without evaluating the expression.
pub fn of<T: ?Sized>(_: &T) -> PhantomData<T> {
    PhantomData
}
