//! The traits of rows by kind: users, organizations and memberships.

use super::SyncedRow;

/// A struct that is a row of the application's own `users` table, kept equal to Clerk's claims.
///
/// Derive it; the derive checks every field against the session-token template. [`SyncedRow`] has the constants and
/// functions of such a struct.
///
/// A function for any such struct is generic over it, like [`UserSync`](crate::UserSync): `fn f<U: SyncedUser>(…)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced",
    label = "needs `#[derive(SyncedUser)]`, and fields that are `Send` and `Sync`",
    note = "a field that is not `Send` and `Sync` is reported at the field"
)]
pub trait SyncedUser: SyncedRow + Derived {}

#[diagnostic::do_not_recommend]
impl<U: SyncedRow + Derived> SyncedUser for U {}

/// A struct that is a row of the application's own `organizations` table, kept equal to Clerk's claims about a
/// session's active organization.
///
/// Derive it; [`SyncedRow`] has the constants and functions of such a struct. A function for any such struct is generic
/// over it, like [`OrganizationSync`](crate::OrganizationSync): `fn f<O: SyncedOrganization>(…)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced as an organization",
    label = "needs `#[derive(SyncedOrganization)]`, and fields that are `Send` and `Sync`",
    note = "a field that is not `Send` and `Sync` is reported at the field"
)]
pub trait SyncedOrganization: SyncedRow + DerivedOrganization {}

#[diagnostic::do_not_recommend]
impl<O: SyncedRow + DerivedOrganization> SyncedOrganization for O {}

/// Like [`Derived`], for `#[derive(SyncedOrganization)]`.
#[doc(hidden)]
pub trait DerivedOrganization {}

/// A struct that is a row of the application's own `memberships` table, kept equal to Clerk's claims about the user's
/// membership in the active organization.
///
/// Derive it; [`SyncedRow`] has the constants and functions of such a struct. A function for any such struct is generic
/// over it, like [`MembershipSync`](crate::MembershipSync): `fn f<M: SyncedMembership>(…)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced as a membership",
    label = "needs `#[derive(SyncedMembership)]`, and fields that are `Send` and `Sync`",
    note = "a field that is not `Send` and `Sync` is reported at the field"
)]
pub trait SyncedMembership: SyncedRow + DerivedMembership {
    /// The struct of the user.
    type User: SyncedUser;

    /// The struct of the organization.
    type Organization: SyncedOrganization;

    /// The only roles that the struct can hold, such as `org:admin`. `None` unless the type of its role lists them in
    /// [`FromClaim::VALUES`](crate::claim::FromClaim::VALUES).
    const ROLES: Option<&'static [&'static str]> = None;
}

/// Like [`Derived`], for `#[derive(SyncedMembership)]`.
#[doc(hidden)]
pub trait DerivedMembership {}

/// A row that other tables reference by a column of type `K`.
#[doc(hidden)]
pub trait KeyedBy<K> {}

/// A struct with `#[derive(SyncedUser)]`. Implemented even for a struct that is not `Send + Sync`, and therefore not a
/// [`SyncedUser`]. The field reports that error; without this trait, every handler would repeat it.
#[doc(hidden)]
pub trait Derived {}
