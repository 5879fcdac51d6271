//! Decides about a handler's user: first by the policy over the session, last by the policy over the row.

use std::marker::PhantomData;
use std::sync::Arc;

use super::subject::Anybody;
use crate::policy::{self, Denied, Policy, RowPolicy};
use crate::row::{Derived, SyncedMembership};
use crate::session::Session;
use crate::sync::{Member, Synced};

/// The policies of a handler that takes a `T`. Every [`Policy`] is one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "does not implement `clerk_auth::policy::Policy`",
    note = "write `impl Policy for {Self} {{ const REQUIREMENT: Requirement = …; }}`"
)]
pub trait Decides<T>: Send + Sync + 'static {
    /// The policy over the session, which decides before anything is fetched.
    type Session: Policy;

    /// True if [`decide`](Self::decide) looks at the row.
    const LOOKS_AT_ROW: bool = false;

    /// True if later parameters of the handler are rows of the member, so that all rows are read together.
    const TAKES_MEMBER: bool = false;

    /// Applies the policy to the row.
    ///
    /// # Errors
    ///
    /// [`Denied`] names what is missing.
    fn decide(subject: &T, session: &Session) -> Result<(), Denied> {
        let _ = (subject, session);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<T, P: Policy> Decides<T> for P {
    type Session = P;
}

/// The policy `P` over the session, and `R` over the row.
#[derive(Debug)]
pub struct WithRowPolicy<P, R>(PhantomData<fn() -> (P, R)>);

#[diagnostic::do_not_recommend]
impl<T, P, R> Decides<T> for WithRowPolicy<P, R>
where
    T: RowOf,
    P: Policy,
    R: RowPolicy<T::Row>,
{
    type Session = P;

    const LOOKS_AT_ROW: bool = true;

    fn decide(subject: &T, session: &Session) -> Result<(), Denied> {
        policy::decide_row::<R, _>(subject.row(), session)
    }
}

/// The policies `D` of a handler whose later parameters are rows of the member.
#[derive(Debug)]
pub struct BeforeMember<D>(PhantomData<fn() -> D>);

#[diagnostic::do_not_recommend]
impl<T, D: Decides<T>> Decides<T> for BeforeMember<D> {
    type Session = D::Session;

    const LOOKS_AT_ROW: bool = D::LOOKS_AT_ROW;
    const TAKES_MEMBER: bool = true;

    fn decide(subject: &T, session: &Session) -> Result<(), Denied> {
        D::decide(subject, session)
    }
}

/// A parameter with a row, over which a policy can decide.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no row for `row_policy`",
    label = "a policy over a row needs the row",
    note = "take a `SyncedUser` struct, `Arc<_>` or `Synced<_>` of one, or `Member<_>`; or write `policy = …`, which decides over the session"
)]
pub trait RowOf {
    /// The type over which the policy decides.
    type Row;

    /// Does nothing; calling it is the assertion that generated code makes under the parameter's type.
    fn check(_: PhantomData<Self>) {}

    /// Returns the row.
    fn row(&self) -> &Self::Row;
}

#[diagnostic::do_not_recommend]
impl RowOf for Anybody {
    type Row = ();

    fn row(&self) -> &() {
        &()
    }
}

#[diagnostic::do_not_recommend]
impl<U: Derived> RowOf for U {
    type Row = U;

    fn row(&self) -> &U {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<U: Derived> RowOf for Arc<U> {
    type Row = U;

    fn row(&self) -> &U {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<U: Derived> RowOf for Synced<U> {
    type Row = U;

    fn row(&self) -> &U {
        &self.user
    }
}

#[diagnostic::do_not_recommend]
impl<M: SyncedMembership> RowOf for Member<M> {
    type Row = Self;

    fn row(&self) -> &Self {
        self
    }
}
