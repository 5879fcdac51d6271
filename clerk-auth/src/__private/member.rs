//! Detects, in generated code, a parameter that is a row of the active organization, and the roles that the row can
//! hold.

use std::marker::PhantomData;

use crate::claim::{FromClaim, Text};
use crate::row::{DerivedMembership, DerivedOrganization, SyncedMembership};
use crate::session::without_prefix;
use crate::sync::Member;

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

/// A parameter of type `T`, and the roles that it can hold.
pub struct Roles<T>(PhantomData<T>);

impl<M: SyncedMembership> Roles<M> {
    /// The roles of the membership.
    pub const ROLES: Option<&'static [&'static str]> = M::ROLES;
}

impl<M: SyncedMembership> Roles<Option<M>> {
    /// The roles of the membership.
    pub const ROLES: Option<&'static [&'static str]> = M::ROLES;
}

impl<M: SyncedMembership> Roles<Member<M>> {
    /// The roles of the membership.
    pub const ROLES: Option<&'static [&'static str]> = M::ROLES;
}

/// The fallback of [`Roles`] for other types.
pub trait NoRoles {
    /// The parameter has no role.
    const ROLES: Option<&'static [&'static str]> = None;
}

impl<T> NoRoles for Roles<T> {}

/// The type of a membership's role.
pub struct RoleField<T>(PhantomData<T>);

impl<T: FromClaim<Text>> RoleField<T> {
    /// The texts that the type can hold.
    pub const VALUES: Option<&'static [&'static str]> = T::VALUES;
}

/// The fallback of [`RoleField`] for a type with an error of its own.
pub trait NoValues {
    /// Nothing is known about the texts.
    const VALUES: Option<&'static [&'static str]> = None;
}

impl<T> NoValues for RoleField<T> {}

/// Fails to compile if a handler requires a role that its membership cannot hold.
pub const fn assert_role(roles: Option<&'static [&'static str]>, required: &str) {
    let Some(roles) = roles else {
        return;
    };
    let mut at = 0;
    while at < roles.len() {
        if is_equal(roles[at], required) {
            return;
        }
        at += 1;
    }
    panic!(
        "the membership of this handler cannot hold this role; correct the name, or add the role to the enum and to its \
         `FromClaim::VALUES`"
    );
}

/// Compares two roles; the prefix `org:` is optional, as in a requirement.
const fn is_equal(one: &str, other: &str) -> bool {
    let (one, other) = (without_prefix(one).as_bytes(), without_prefix(other).as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
