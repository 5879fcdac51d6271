//! Finds in generated code whether a parameter after the user is a row of the active organization.

use std::marker::PhantomData;

use crate::row::{DerivedMembership, DerivedOrganization};

/// A parameter of type `T` after the user.
pub struct Later<T>(PhantomData<T>);

impl<O: DerivedOrganization> Later<O> {
    /// True if the parameter is an organization.
    pub const IS_ORGANIZATION: bool = true;
}

impl<O: DerivedOrganization> Later<Option<O>> {
    /// True if the parameter is an organization.
    pub const IS_ORGANIZATION: bool = true;
}

impl<M: DerivedMembership> Later<M> {
    /// True if the parameter is a membership.
    pub const IS_MEMBERSHIP: bool = true;
}

impl<M: DerivedMembership> Later<Option<M>> {
    /// True if the parameter is a membership.
    pub const IS_MEMBERSHIP: bool = true;
}

/// The fallback of [`Later`] for other types.
pub trait NoRow {
    /// The parameter is not an organization.
    const IS_ORGANIZATION: bool = false;

    /// The parameter is not a membership.
    const IS_MEMBERSHIP: bool = false;
}

impl<T> NoRow for Later<T> {}
