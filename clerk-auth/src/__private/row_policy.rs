//! Checks a policy over a row, in generated code, without a second error if the parameter has no row.

use std::marker::PhantomData;

use crate::extract::subject::Anybody;
use crate::extract::{RowOf, SignedInUser};
use crate::policy::{Denied, RowPolicy};
use crate::session::Session;

/// A first parameter of type `T` whose row a policy inspects.
pub struct RowField<T>(PhantomData<T>);

impl<T: SignedInUser> RowField<T> {
    /// Returns the parameter that must have a row: the handler's own.
    pub fn subject() -> PhantomData<T> {
        PhantomData
    }
}

impl<T: RowOf> RowField<T> {
    /// Returns the policy `P`, and the row over which `P` decides.
    pub fn policy<P>() -> PhantomData<(P, T::Row)> {
        PhantomData
    }
}

/// The fallback of [`RowField`] for a parameter that has been reported.
pub trait WithoutRow {
    /// Returns a parameter that has a row.
    fn subject() -> PhantomData<Anybody> {
        PhantomData
    }

    /// Returns a policy over that row.
    fn policy<P>() -> PhantomData<(Anybody, ())> {
        PhantomData
    }
}

impl<T> WithoutRow for RowField<T> {}

impl RowPolicy<()> for Anybody {
    fn evaluate((): &(), _: &Session) -> Result<(), Denied> {
        Err(Denied::Requirements)
    }
}

/// [`RowPolicy`] as an assertion.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy over `{R}`",
    label = "does not implement `clerk_auth::policy::RowPolicy` for what the handler takes",
    note = "write `impl RowPolicy<{R}> for {Self} {{ fn evaluate(row: &{R}, session: &Session) -> Result<(), Denied> {{ … }} }}`"
)]
pub trait DecidesOver<R>: Sized {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<(Self, R)>) {}
}

#[diagnostic::do_not_recommend]
impl<P: RowPolicy<R>, R> DecidesOver<R> for P {}
