//! The type of a field that holds the key of another row.

use std::marker::PhantomData;

use crate::row::KeyedBy;

/// Implemented by the type of the key of `R`: that of `id` if the database generates it, otherwise that of the Clerk id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type of the key of `{R}`",
    label = "expected the type of the field `id` of `{R}`, or of its `clerk_id` if the database generates no `id`",
    note = "write the type of that field, which the column references"
)]
pub trait KeyOf<R> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<K, R: KeyedBy<K>> KeyOf<R> for K {}
