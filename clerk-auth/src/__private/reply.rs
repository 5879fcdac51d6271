//! Checks, in generated code, that a handler returns a response. Each mistake is one error, under the type at fault.
//!
//! The technique is that of `parameter`: rustc selects links by type, and a trait per mistake has the message.

use std::marker::PhantomData;

use axum::response::IntoResponse;
use serde::Serialize;

use super::data::{Blameless, Content, Fine};

/// A handler's return type.
#[derive(Debug)]
pub struct Returned<R>(PhantomData<fn() -> R>);

/// A type that is not a response.
#[derive(Debug)]
pub struct NoResponse<R>(PhantomData<fn() -> R>);

/// A type that is not a response, but that serde can write.
#[derive(Debug)]
pub struct Data<R>(PhantomData<fn() -> R>);

/// A type that is neither a response nor writable by serde.
#[derive(Debug)]
pub struct Opaque<R>(PhantomData<fn() -> R>);

impl<R> Returned<R> {
    /// Starts the check of a return type.
    pub const NEW: Self = Self(PhantomData);
}

impl<R: IntoResponse> Returned<R> {
    /// Finds a response.
    pub fn ask_response(&self) -> Fine {
        Fine
    }
}

impl<T, E> NoResponse<Result<T, E>> {
    /// Continues with the type of the success value.
    pub fn ask_value(&self) -> Returned<T> {
        Returned::NEW
    }

    /// Continues with the type of the error.
    pub fn ask_error(&self) -> Returned<E> {
        Returned::NEW
    }
}

impl<R: Serialize> NoResponse<R> {
    /// Finds data.
    pub fn ask_content(&self) -> Data<R> {
        Data(PhantomData)
    }
}

macro_rules! tuples {
    ($($($before:ident),+ => $last:ident;)*) => {
        $(impl<$($before,)+ $last> NoResponse<($($before,)+ $last)> {
            /// Continues with the body: a status and headers precede it.
            pub fn ask_value(&self) -> Returned<$last> {
                Returned::NEW
            }
        })*
    };
}

tuples! {
    A => B;
    A, B => C;
    A, B, C => D;
}

/// The links whose bounds do not hold.
pub trait OtherReply<R> {
    /// The type is not a response.
    fn ask_response(&self) -> NoResponse<R> {
        NoResponse(PhantomData)
    }

    /// The type is not a `Result`.
    fn ask_value(&self) -> Returned<R> {
        Returned::NEW
    }

    /// The type is not a `Result`.
    fn ask_error(&self) -> Fine {
        Fine
    }

    /// serde cannot write it.
    fn ask_content(&self) -> Opaque<R> {
        Opaque(PhantomData)
    }
}

impl<R> OtherReply<R> for Returned<R> {}
impl<R> OtherReply<R> for NoResponse<R> {}

impl Fine {
    /// Keeps the result that nothing is wrong.
    pub fn ask_response(&self) -> Self {
        Self
    }

    /// Keeps the result that nothing is wrong.
    pub fn ask_value(&self) -> Self {
        Self
    }

    /// Keeps the result that nothing is wrong.
    pub fn ask_error(&self) -> Self {
        Self
    }

    /// Keeps the result that nothing is wrong.
    pub fn ask_content(&self) -> Self {
        Self
    }
}

/// The result of the chain.
pub trait Answered {
    /// The type that serde can write.
    type Data;
    /// The type that serde cannot write.
    type Opaque;
    /// The type that serde would have to write: the `D` of a `Json<D>`.
    type Unwritten<D>;
    /// The type that is not a response although serde can write its content.
    type Foreign<W: Content>;

    /// Returns the type that serde would have to write.
    fn unwritten<D>(&self) -> PhantomData<Self::Unwritten<D>> {
        PhantomData
    }

    /// Returns the type that is not a response although serde can write its content.
    fn foreign_response<W: Content>(&self, _: W) -> PhantomData<Self::Foreign<W>> {
        PhantomData
    }

    /// Returns the type that serde can write.
    fn data(&self) -> PhantomData<Self::Data> {
        PhantomData
    }

    /// Returns the type that serde cannot write.
    fn opaque(&self) -> PhantomData<Self::Opaque> {
        PhantomData
    }
}

impl Answered for Fine {
    type Unwritten<D> = Fine;
    type Foreign<W: Content> = Blameless;
    type Data = Fine;
    type Opaque = Fine;
}

impl<R> Answered for Data<R> {
    type Unwritten<D> = Fine;
    type Foreign<W: Content> = Blameless;
    type Data = R;
    type Opaque = Fine;
}

impl<R> Answered for Opaque<R> {
    type Unwritten<D> = D;
    type Foreign<W: Content> = W::BlameOn<R>;
    type Data = Fine;
    type Opaque = R;
}

/// An error type that was checked.
pub trait Failure {
    /// The error, unless it is a response.
    type Unanswered;

    /// The error, unless it is a response.
    fn unanswered(&self) -> PhantomData<Self::Unanswered> {
        PhantomData
    }
}

impl Failure for Fine {
    type Unanswered = Fine;
}

impl<E> Failure for NoResponse<E> {
    type Unanswered = E;
}

/// Implemented by types that a handler can return: responses, not bare data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response",
    label = "a handler cannot return this",
    note = "return `axum::Json<{Self}>`"
)]
pub trait Response {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl Response for Fine {}

/// Implemented by types that a handler can return, directly or as JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response, and lacks `serde::Serialize` to be returned as JSON",
    label = "a handler cannot return this",
    note = "add `#[derive(serde::Serialize)]` to the type and return `axum::Json<_>` of it, or implement `axum::response::IntoResponse`",
    note = "responses of other versions than axum 0.8 are not supported: `cargo tree --invert axum` lists the versions"
)]
pub trait ResponseOrJson {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl ResponseOrJson for Fine {}

/// A response by axum's own trait. If the application uses another axum version, rustc's message names both versions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response of the axum that clerk-auth uses",
    label = "a type of another version of axum, or of the same name",
    note = "clerk-auth uses axum 0.8: set `axum = \"0.8\"` in Cargo.toml"
)]
pub trait AxumResponse {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

impl<R: IntoResponse> AxumResponse for R {}

/// An error that a handler can return.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` is not a response",
    label = "a handler cannot return this error",
    note = "map it to a response, `.map_err(|_| axum::http::StatusCode::INTERNAL_SERVER_ERROR)?`, or implement `axum::response::IntoResponse` for an error type of your own"
)]
pub trait ErrorResponse {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl ErrorResponse for Fine {}

/// Implemented by types that serde can write: the content of `Json<_>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as JSON",
    label = "`{Self}` lacks `serde::Serialize`",
    note = "add `#[derive(serde::Serialize)]` to it"
)]
pub trait Writable {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Writable for T {}

#[diagnostic::do_not_recommend]
impl Writable for Fine {}
