//! Checks, in generated code, that the state provides the user's parts. Adds no second error if the parameter is not a
//! user.

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

/// A parameter's type in parentheses, and the matching [`SubjectField`].
pub trait Asked {
    /// `SubjectField<T>`
    type Field;
}

impl<T> Asked for (T,) {
    type Field = SubjectField<T>;
}

impl<T: Subject + Shared> SubjectField<T> {
    /// Returns the type to take from the state: the parameter's own.
    pub fn subject() -> PhantomData<T> {
        PhantomData
    }
}

/// The fallback of [`SubjectField`] for a type that is not a user or that requests cannot share, which has been
/// reported.
pub trait NotASubject {
    /// Returns a subject that every state provides, so that nothing more is reported about the parameter.
    fn subject() -> PhantomData<Anybody> {
        PhantomData
    }
}

impl<T> NotASubject for SubjectField<T> {}

/// A state of type `S`.
pub struct StateField<S>(PhantomData<S>);

impl<S: Provides<Clerk>> StateField<S> {
    /// Returns the subject to take from the state: each missing part is reported separately.
    pub fn each<T>(subject: PhantomData<T>) -> PhantomData<T> {
        subject
    }

    /// Reports nothing about the state as a whole.
    pub fn whole<T>(_: PhantomData<T>) -> PhantomData<Anybody> {
        PhantomData
    }
}

/// The fallback of [`StateField`] for a state that does not even provide a `Clerk`, most often because it derives
/// nothing.
pub trait StateWithoutClerk {
    /// Reports nothing about each missing part.
    fn each<T>(_: PhantomData<T>) -> PhantomData<Anybody> {
        PhantomData
    }

    /// Returns the subject, so that one error lists its parts and how a state provides them.
    fn whole<T>(subject: PhantomData<T>) -> PhantomData<T> {
        subject
    }
}

impl<S> StateWithoutClerk for StateField<S> {}

/// [`SubjectFrom`] with a single message for all missing parts.
#[diagnostic::on_unimplemented(
    message = "`{S}` does not provide what `{Self}` takes",
    label = "a `Session` takes a `Clerk` from the state, a user takes a `Clerk` and a `UserSync<_>`, a `Member<_>` a `Clerk` and a `MembershipSync<_>`",
    note = "add them as fields of `{S}`, with `#[derive(Clone, axum::extract::FromRef)]`"
)]
pub trait FromState<S> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<S, T: SubjectFrom<S>> FromState<S> for T {}
