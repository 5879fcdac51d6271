//! How a signature carries what is asked about its types, so that rustc reports a mistake where it is written, and nowhere else.
//!
//! The questions are a constant in the type: if they do not compile, rustc takes the type for an error that it has reported,
//! and a route that mounts the handler adds nothing.

use super::subject::Policed;
use crate::extract::Authenticated;

/// A type beside the questions about it.
pub trait CheckedType {
    /// The type.
    type It;
}

impl<T, const ASKED: usize> CheckedType for (T, [(); ASKED]) {
    type It = T;
}

impl<T, P, const ASKED: usize> Policed for (T, P, [(); ASKED]) {
    type Guard = Authenticated<T, P>;
}
