//! How generated code asks what the state provides, without a second error where the parameter is no user at all.

use std::marker::PhantomData;

use super::shared::Shared;
use crate::clerk::Clerk;
use crate::extract::subject::Anybody;
use crate::extract::{Authenticated, Provides, Subject, SubjectFrom};

/// A user and a policy, and the extractor of both.
pub trait Policed {
    /// `Authenticated<T, P>`
    type Guard;
}

impl<T, P> Policed for (T, P) {
    type Guard = Authenticated<T, P>;
}

/// A first parameter of type `T`.
pub struct SubjectField<T>(PhantomData<T>);

/// A parameter's type in parentheses, and the field of it.
pub trait Asked {
    /// `SubjectField<T>`
    type Field;
}

impl<T> Asked for (T,) {
    type Field = SubjectField<T>;
}

impl<T: Subject + Shared> SubjectField<T> {
    /// The type that is to be had from the state: the parameter's own.
    pub fn subject() -> PhantomData<T> {
        PhantomData
    }
}

/// What [`SubjectField`] does when the type is no user, or one that cannot be shared, which has been reported.
pub trait NotASubject {
    /// A subject that every state provides, so that nothing more is reported about the parameter.
    fn subject() -> PhantomData<Anybody> {
        PhantomData
    }
}

impl<T> NotASubject for SubjectField<T> {}

/// A state of type `S`.
pub struct StateField<S>(PhantomData<S>);

impl<S: Provides<Clerk>> StateField<S> {
    /// The subject that is to be had from the state: what is missing is told by itself.
    pub fn each<T>(subject: PhantomData<T>) -> PhantomData<T> {
        subject
    }

    /// Nothing is to be said of the state as a whole.
    pub fn whole<T>(_: PhantomData<T>) -> PhantomData<Anybody> {
        PhantomData
    }
}

/// What [`StateField`] does when the state provides not even a `Clerk`, most often because it derives nothing.
pub trait StateWithoutClerk {
    /// Nothing is to be said of each thing that is missing.
    fn each<T>(_: PhantomData<T>) -> PhantomData<Anybody> {
        PhantomData
    }

    /// The subject, of which one error says what it takes and how a state provides it.
    fn whole<T>(subject: PhantomData<T>) -> PhantomData<T> {
        subject
    }
}

impl<S> StateWithoutClerk for StateField<S> {}

/// [`SubjectFrom`] with one voice for all that is missing.
#[diagnostic::on_unimplemented(
    message = "`{S}` does not provide what `{Self}` takes",
    label = "a `Session` takes a `Clerk` from the state, a user takes a `Clerk` and a `UserSync<_>`",
    note = "add them as fields of `{S}`, with `#[derive(Clone, axum::extract::FromRef)]`"
)]
pub trait FromState<S> {
    /// Does nothing; calling it is the assertion.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<S, T: SubjectFrom<S>> FromState<S> for T {}
