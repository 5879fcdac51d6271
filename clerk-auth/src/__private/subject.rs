//! How generated code asks what the state provides, without a second error where the parameter is no user at all.

use std::future::ready;
use std::marker::PhantomData;

use axum::http::request::Parts;

use super::shared::Shared;
use crate::extract::{Authenticated, Rejection, Subject, SubjectFrom};
use crate::policy::Policy;

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

/// A subject that every state provides; it never resolves.
#[derive(Debug)]
pub struct Anybody;

impl Subject for Anybody {}

impl<S> SubjectFrom<S> for Anybody {
    fn resolve<P: Policy>(_: &mut Parts, _: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        ready(Err(Rejection::Misconfigured))
    }
}
