//! Checks the structs that a membership joins, in generated code.

use std::marker::PhantomData;

use crate::row::{SyncedOrganization, SyncedUser};

/// Implemented by structs that can be the user of a membership.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a synced user",
    label = "needs `#[derive(SyncedUser)]`, and fields that are `Send` and `Sync`",
    note = "a membership joins the row of a user, whose struct `user = …` names"
)]
pub trait JoinedUser {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<U: SyncedUser> JoinedUser for U {}

/// Implemented by structs that can be the organization of a membership.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a synced organization",
    label = "needs `#[derive(SyncedOrganization)]`, and fields that are `Send` and `Sync`",
    note = "a membership joins the row of an organization, whose struct `organization = …` names"
)]
pub trait JoinedOrganization {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<O: SyncedOrganization> JoinedOrganization for O {}
