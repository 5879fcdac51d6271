//! Method routers that take only handlers which nobody reaches without signing in.
//!
//! ```
//! use axum::Router;
//! use clerk_auth::{Clerk, Session, authenticated, routing::{get, post}};
//!
//! #[authenticated]
//! async fn whoami(session: Session) -> String {
//!     session.user_id().to_string()
//! }
//!
//! #[authenticated]
//! async fn create() {}
//!
//! let router: Router<Clerk> = Router::new().route("/me", get(whoami).merge(post(create)));
//! ```
//!
//! They return axum's own `MethodRouter`. Its methods are axum's: `get(a).post(b)` does not ask whether `b` is guarded,
//! `get(a).merge(post(b))` does. A public handler is mounted with `axum::routing`, where it is seen in review.

#[cfg(feature = "webhooks")]
mod webhooks;

use std::convert::Infallible;

use axum::handler::Handler;
use axum::routing::{self, MethodFilter, MethodRouter};

#[cfg(feature = "webhooks")]
pub use webhooks::webhooks;

use crate::extract::Guard;

/// The extractors of a handler, the first of which authenticates.
///
/// Nobody names it but who writes a function like [`get`] of their own; see [`HandlerFor`]. What others meet of it is that
/// a handler without `#[authenticated]` cannot be mounted:
///
/// ```compile_fail
/// use axum::Router;
/// use clerk_auth::{Clerk, routing::get};
///
/// async fn report() {} // nobody has signed in
///
/// let router: Router<Clerk> = Router::new().route("/report", get(report));
/// ```
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "the handler's first parameter lets anybody through",
    note = "add `#[authenticated]` to the handler, or mount a public handler with `axum::routing`"
)]
pub trait Guarded {}

macro_rules! guarded {
    ($($rest:ident),*) => {
        #[diagnostic::do_not_recommend]
        impl<M, First: Guard, $($rest),*> Guarded for (M, First, $($rest),*) {}
    };
}

guarded!();
guarded!(T2);
guarded!(T2, T3);
guarded!(T2, T3, T4);
guarded!(T2, T3, T4, T5);
guarded!(T2, T3, T4, T5, T6);
guarded!(T2, T3, T4, T5, T6, T7);
guarded!(T2, T3, T4, T5, T6, T7, T8);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9, T10);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9, T10, T11);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15);
guarded!(T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15, T16);

/// A function that axum can call with the state `S`: its `Handler`, with a voice.
///
/// Every handler of axum's is one. Who builds routers in a function of their own asks for both:
///
/// ```
/// use axum::Router;
/// use clerk_auth::routing::{Guarded, HandlerFor, get};
/// use clerk_auth::{Clerk, authenticated};
///
/// fn report<H, T>(name: &str, handler: H) -> Router<Clerk>
/// where
///     H: HandlerFor<T, Clerk>,
///     T: Guarded + 'static,
/// {
///     Router::new().route(&format!("/reports/{name}"), get(handler))
/// }
///
/// #[authenticated(role = "org:admin")]
/// async fn sales() {}
///
/// let router = report("sales", sales);
/// ```
#[diagnostic::on_unimplemented(
    message = "this function cannot be a handler with the state of its router",
    label = "the state lacks what its parameters take, axum does not know a parameter or what it returns, or another thread could not go on with it",
    note = "what it lacks is shown at the function by `#[authenticated(state = …)]` with the type of `.with_state(…)`: a user takes a `Clerk` and a `UserSync<_>`, given by `#[derive(Clone, axum::extract::FromRef)]`",
    note = "what axum does not know, and what is held across an `.await` and cannot be sent, is shown there by `#[axum::debug_handler]`"
)]
pub trait HandlerFor<T, S>: Handler<T, S> {}

#[diagnostic::do_not_recommend]
impl<H: Handler<T, S>, T, S> HandlerFor<T, S> for H {}

// Written out, because rustc shows the function beside its message, and would show a macro instead.

/// Routes requests of every method to a guarded handler, as [`get`] does.
pub fn any<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::any(handler)
}

/// Routes `CONNECT` requests to a guarded handler, as [`get`] does.
pub fn connect<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::connect(handler)
}

/// Routes `DELETE` requests to a guarded handler, as [`get`] does.
pub fn delete<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::delete(handler)
}

/// Routes `GET` and, without the body, `HEAD` requests to a guarded handler: see the [module](self).
///
/// All of these functions are used like it:
///
/// ```
/// use axum::Router;
/// use clerk_auth::{Clerk, Session, authenticated, routing::{delete, get, put}};
///
/// #[authenticated]
/// async fn read(session: Session) -> String {
///     session.user_id().to_string()
/// }
///
/// #[authenticated(role = "org:admin")]
/// async fn write() {}
///
/// let settings = get(read).merge(put(write)).merge(delete(write));
/// let router: Router<Clerk> = Router::new().route("/settings", settings);
/// ```
pub fn get<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::get(handler)
}

/// Routes `HEAD` requests to a guarded handler, as [`get`] does.
pub fn head<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::head(handler)
}

/// Routes `OPTIONS` requests to a guarded handler, as [`get`] does.
pub fn options<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::options(handler)
}

/// Routes `PATCH` requests to a guarded handler, as [`get`] does.
pub fn patch<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::patch(handler)
}

/// Routes `POST` requests to a guarded handler, as [`get`] does.
pub fn post<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::post(handler)
}

/// Routes `PUT` requests to a guarded handler, as [`get`] does.
pub fn put<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::put(handler)
}

/// Routes `TRACE` requests to a guarded handler, as [`get`] does.
pub fn trace<H, T, S>(handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::trace(handler)
}

/// Routes requests of the filter's methods to a guarded handler: see the [module](self).
///
/// ```
/// use axum::Router;
/// use axum::routing::MethodFilter;
/// use clerk_auth::{Clerk, authenticated, routing::on};
///
/// #[authenticated]
/// async fn save() {}
///
/// let router: Router<Clerk> = Router::new().route("/draft", on(MethodFilter::POST.or(MethodFilter::PUT), save));
/// ```
pub fn on<H, T, S>(filter: MethodFilter, handler: H) -> MethodRouter<S, Infallible>
where
    H: HandlerFor<T, S>,
    T: Guarded + 'static,
    S: Clone + Send + Sync + 'static,
{
    routing::on(filter, handler)
}
