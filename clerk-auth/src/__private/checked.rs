//! Puts the checks of a type into the signature that names the type, so that rustc reports a mistake only there.
//!
//! The checks are a constant in the type. If the constant does not compile, rustc treats the type as already reported,
//! and adds no error at the route that mounts the handler.

use super::subject::Policed;
use crate::extract::{Authenticated, BeforeMember};

/// A type beside its checks.
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

/// No later parameter is a row of the member.
impl<T, P, const ASKED: usize> Policed for (T, P, [(); ASKED], [(); 0]) {
    type Guard = Authenticated<T, P>;
}

/// A later parameter is a row of the member.
impl<T, P, const ASKED: usize> Policed for (T, P, [(); ASKED], [(); 1]) {
    type Guard = Authenticated<T, BeforeMember<P>>;
}
