//! The rows of each kind: of users, organizations and memberships.

use super::SyncedRow;

/// A struct that is a row of the application's own `users` table, kept equal to Clerk's claims.
///
/// Derive it; the derive checks every field against the session-token template. [`SyncedRow`] has the constants and
/// functions of such a struct.
///
/// Functions over any such struct take it as a parameter, as [`UserSync`](crate::UserSync) does: `fn f<U: SyncedUser>(…)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced",
    label = "needs `#[derive(SyncedUser)]`, and fields that are `Send` and `Sync`",
    note = "a field that is not `Send` and `Sync` is reported at the field"
)]
pub trait SyncedUser: SyncedRow + Derived {}

#[diagnostic::do_not_recommend]
impl<U: SyncedRow + Derived> SyncedUser for U {}

/// A struct that is a row of the application's own `organizations` table, kept equal to Clerk's claims about the organization
/// that is active in a session.
///
/// Derive it; [`SyncedRow`] has the constants and functions of such a struct. Functions over any such struct take it as a
/// parameter, as [`OrganizationSync`](crate::OrganizationSync) does: `fn f<O: SyncedOrganization>(…)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced as an organization",
    label = "needs `#[derive(SyncedOrganization)]`, and fields that are `Send` and `Sync`",
    note = "a field that is not `Send` and `Sync` is reported at the field"
)]
pub trait SyncedOrganization: SyncedRow + DerivedOrganization {}

#[diagnostic::do_not_recommend]
impl<O: SyncedRow + DerivedOrganization> SyncedOrganization for O {}

/// A struct with `#[derive(SyncedOrganization)]`, whatever its fields are, as [`Derived`] for a user.
#[doc(hidden)]
pub trait DerivedOrganization {}

/// A struct that is a row of the application's own `memberships` table, kept equal to Clerk's claims about the membership of the
/// session's user in the organization that is active.
///
/// Derive it; [`SyncedRow`] has the constants and functions of such a struct. Functions over any such struct take it as a
/// parameter, as [`MembershipSync`](crate::MembershipSync) does: `fn f<M: SyncedMembership>(…)`.
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

    /// The only roles that the struct can hold, such as `org:admin`; `None` if it holds text, or if the type of its role does
    /// not list them in [`FromClaim::VALUES`](crate::claim::FromClaim::VALUES).
    const ROLES: Option<&'static [&'static str]> = None;
}

/// A struct with `#[derive(SyncedMembership)]`, whatever its fields are, as [`Derived`] for a user.
#[doc(hidden)]
pub trait DerivedMembership {}

/// A row that other tables reference by a column of type `K`.
#[doc(hidden)]
pub trait KeyedBy<K> {}

/// A struct with `#[derive(SyncedUser)]`, whatever its fields are. Implemented even for a struct that is not `Send +
/// Sync`, and therefore not a [`SyncedUser`]. That error is reported at the field; without this trait every handler
/// would repeat it.
#[doc(hidden)]
pub trait Derived {}
