//! Checks, in generated code, that a parameter can be taken from a request. Each mistake is one error, under its type.
//!
//! A chain of methods finds the mistake. Each link is an inherent method if a bound holds, and a method of
//! [`OtherParameter`] if not, so that rustc selects by types. The chain ends in one type per mistake. A trait per
//! mistake has the message.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, State};
use serde::de::DeserializeOwned;

use super::data::{Blameless, Content, Fine};
use crate::extract::MaybeSynced;
use crate::row::{Derived, SyncedMembership};
use crate::sync::{Member, Synced};

/// The state of a handler that does not name its state. Provides only the types that every state provides.
#[derive(Clone, Debug)]
pub struct AnyState;

/// Stands in for an argument; never called.
pub fn any<T>() -> T {
    unreachable!("generated code is checked, and not called")
}

/// A parameter of the type `T` with the state `S`.
#[derive(Debug)]
pub struct Parameter<T, S>(PhantomData<fn() -> (T, S)>);

/// A parameter that is not taken from the parts of a request.
#[derive(Debug)]
pub struct BodyParameter<T, S>(PhantomData<fn() -> (T, S)>);

/// A parameter that reads the body.
#[derive(Debug)]
pub struct ReadsBody<T>(PhantomData<fn() -> T>);

/// A parameter that is not an extractor.
#[derive(Debug)]
pub struct NotExtracted<T, S>(PhantomData<fn() -> (T, S)>);

/// A `State<T>` that the state `S` does not provide.
#[derive(Debug)]
pub struct NotProvided<T, S>(pub(super) PhantomData<fn() -> (T, S)>);

impl<T, S> Parameter<T, S> {
    /// Starts the check of a parameter.
    pub const NEW: Self = Self(PhantomData);
}

impl<T: FromRequestParts<S>, S> Parameter<T, S> {
    /// Finds an extractor that may be anywhere.
    pub fn ask_parts(self) -> Fine {
        Fine
    }
}

impl<T: FromRequest<S>, S> BodyParameter<T, S> {
    /// Finds an extractor that comes last.
    pub fn ask_body(self) -> ReadsBody<T> {
        ReadsBody(PhantomData)
    }
}

impl<T, S> NotExtracted<State<T>, S> {
    /// Finds a part of the state.
    pub fn ask_state(self) -> NotProvided<T, S> {
        NotProvided(PhantomData)
    }
}

/// The links of the chain whose bounds do not hold.
pub trait OtherParameter<T, S>: Sized {
    /// The type cannot be taken from the parts of a request.
    fn ask_parts(self) -> BodyParameter<T, S> {
        BodyParameter(PhantomData)
    }

    /// The type cannot be taken from a request.
    fn ask_body(self) -> NotExtracted<T, S> {
        NotExtracted(PhantomData)
    }

    /// The type is not a part of the state.
    fn ask_state(self) -> Self {
        self
    }
}

impl<T, S> OtherParameter<T, S> for Parameter<T, S> {}
impl<T, S> OtherParameter<T, S> for BodyParameter<T, S> {}
impl<T, S> OtherParameter<T, S> for NotExtracted<T, S> {}

impl Fine {
    /// Keeps the result that nothing is wrong.
    pub fn ask_parts(self) -> Self {
        self
    }

    /// Keeps the result that nothing is wrong.
    pub fn ask_body(self) -> Self {
        self
    }

    /// Keeps the result that nothing is wrong.
    pub fn ask_state(self) -> Self {
        self
    }
}

impl<T> ReadsBody<T> {
    /// Keeps the mistake that was found.
    pub fn ask_state(self) -> Self {
        self
    }
}

/// A parameter that is not the first.
#[derive(Debug)]
pub struct LaterParameter<T>(PhantomData<fn() -> T>);

/// A type that is fetched for a user.
pub trait OfUser {}

impl<U: Derived> OfUser for U {}
impl<U: Derived> OfUser for Arc<U> {}
impl<U: Derived> OfUser for Synced<U> {}
impl<U: Derived> OfUser for MaybeSynced<U> {}
impl<M: SyncedMembership> OfUser for Member<M> {}
impl<T: OfUser> OfUser for Option<T> {}

impl<T> LaterParameter<T> {
    /// Starts the check of a parameter.
    pub const NEW: Self = Self(PhantomData);
}

impl<T: OfUser> LaterParameter<T> {
    /// Finds a user.
    pub fn ask_user(&self) -> PhantomData<T> {
        PhantomData
    }

    /// A user has been reported.
    pub fn ask_parameter<S>(&self) -> Fine {
        Fine
    }
}

/// The fallback of [`LaterParameter`] for other types.
pub trait NoUser<T> {
    /// The type is not a user.
    fn ask_user(&self) -> PhantomData<Fine> {
        PhantomData
    }

    /// Continues with the check of the parameter.
    fn ask_parameter<S>(&self) -> Parameter<T, S> {
        Parameter::NEW
    }
}

impl<T> NoUser<T> for LaterParameter<T> {}

/// Implemented by types that may be a parameter after the user: no other user.
#[diagnostic::on_unimplemented(
    message = "a request has one user, and `{Self}` would be another",
    label = "the first parameter is the user already",
    note = "remove one of the two; for the claims, take `Session`"
)]
pub trait OneUser {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl OneUser for Fine {}

/// Implemented by types that may be a parameter after an extractor: no user.
#[diagnostic::on_unimplemented(
    message = "the user comes first, so that nothing reads the request before it is authenticated",
    label = "`{Self}` is the user, but not the first parameter",
    note = "make it the first parameter"
)]
pub trait UserComesFirst {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl UserComesFirst for Fine {}

/// The result of the chain.
pub trait Found {
    /// The type that reads the body.
    type ReadsBody;
    /// The type that is not an extractor.
    type NotExtracted;
    /// The type that the state lacks.
    type NotProvided;
    /// The type that serde would have to read: the `D` of a `Json<D>`.
    type Unread<D>;

    /// The type that is not an extractor although serde can read its content.
    type Foreign<W: Content>;

    /// The type in which no handler can take an organization.
    type Wrapped;
    /// The organization in it.
    type Organization;

    /// Returns the type in which no handler can take an organization, and the organization.
    fn wrapped(&self) -> (PhantomData<Self::Wrapped>, PhantomData<Self::Organization>) {
        (PhantomData, PhantomData)
    }

    /// Returns the type that serde would have to read.
    fn unread<D>(&self) -> PhantomData<Self::Unread<D>> {
        PhantomData
    }

    /// Returns the type that is not an extractor although serde can read its content.
    fn foreign_extractor<W: Content>(&self, _: W) -> PhantomData<Self::Foreign<W>> {
        PhantomData
    }

    /// Returns the type that reads the body.
    fn reads_body(&self) -> PhantomData<Self::ReadsBody> {
        PhantomData
    }

    /// Returns the type that is not an extractor.
    fn not_extracted(&self) -> PhantomData<Self::NotExtracted> {
        PhantomData
    }

    /// Returns the type that the state lacks.
    fn not_provided(&self) -> PhantomData<Self::NotProvided> {
        PhantomData
    }
}

impl Found for Fine {
    type Unread<D> = Fine;
    type Foreign<W: Content> = Blameless;
    type ReadsBody = Fine;
    type NotExtracted = Fine;
    type NotProvided = Fine;
    type Wrapped = Fine;
    type Organization = Fine;
}

impl<T> Found for ReadsBody<T> {
    type Unread<D> = Fine;
    type Foreign<W: Content> = Blameless;
    type ReadsBody = T;
    type NotExtracted = Fine;
    type NotProvided = Fine;
    type Wrapped = Fine;
    type Organization = Fine;
}

impl<T, S> Found for NotExtracted<T, S> {
    type Unread<D> = D;
    type Foreign<W: Content> = W::BlameOn<T>;
    type ReadsBody = Fine;
    type NotExtracted = T;
    type NotProvided = Fine;
    type Wrapped = Fine;
    type Organization = Fine;
}

impl<T, S> Found for NotProvided<T, S> {
    type Unread<D> = Fine;
    type Foreign<W: Content> = Blameless;
    type ReadsBody = Fine;
    type NotExtracted = Fine;
    type NotProvided = T;
    type Wrapped = Fine;
    type Organization = Fine;
}

/// An extractor by axum's own trait. If the application uses another axum version, rustc's message names both versions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor of the axum that clerk-auth uses",
    label = "a type of another version of axum, or of the same name",
    note = "clerk-auth uses axum 0.8: set `axum = \"0.8\"` in Cargo.toml"
)]
pub trait AxumExtractor<S> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

impl<S, T: FromRequest<S>> AxumExtractor<S> for T {}

/// Implemented by types that may precede the last parameter: all except those that read the body.
#[diagnostic::on_unimplemented(
    message = "`{Self}` reads the body, so it must be the last parameter",
    label = "another parameter comes after this one",
    note = "a body is read once, after everything else has been taken from the request: move the parameter to the end"
)]
pub trait BeforeTheBody {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl BeforeTheBody for Fine {}

/// Implemented by types that can be a parameter if the state is `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor",
    label = "cannot be taken from a request where the state is `{S}`",
    note = "take it from a JSON body as `Json<{Self}>`, from the path as `Path<{Self}>`, from the state as `State<{Self}>`, or implement `axum::extract::FromRequestParts<{S}>`"
)]
pub trait Extractor<S> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<S> Extractor<S> for Fine {}

/// Implemented by types that the state `S` provides.
#[diagnostic::on_unimplemented(
    message = "`{S}` does not provide `{Self}`",
    label = "this parameter takes `{Self}` from the state",
    note = "add a field of type `{Self}` to `{S}` and `#[derive(Clone, axum::extract::FromRef)]`"
)]
pub trait PartOfState<S> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<S> PartOfState<S> for Fine {}

/// Implemented by types that serde can read: the content of `Json<_>`, `Form<_>`, `Query<_>` and `Path<_>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a request",
    label = "`{Self}` lacks `serde::Deserialize`",
    note = "add `#[derive(serde::Deserialize)]` to it"
)]
pub trait Readable {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Readable for T {}

#[diagnostic::do_not_recommend]
impl Readable for Fine {}
