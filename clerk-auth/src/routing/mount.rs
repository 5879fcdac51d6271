//! The arguments of a guarded router: guarded routes and routers with its own state, and services that already have
//! their state.

use std::marker::PhantomData;

use axum::routing;

/// Guarded handlers of one path, to be mounted in a router with the state `S`: a
/// [`MethodRouter`](super::MethodRouter). Sealed.
///
/// ```
/// use clerk_auth::routing::{Router, Routes, get};
/// use clerk_auth::{Clerk, authenticated};
///
/// fn versioned(path: &str, routes: impl Routes<Clerk>) -> Router<Clerk> {
///     Router::new().route(&format!("/v1/{path}"), routes)
/// }
///
/// #[authenticated]
/// async fn notes() {}
///
/// let router = versioned("notes", get(notes));
/// ```
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "`{Self}` is not a guarded `MethodRouter`",
    note = "write `clerk_auth::routing::get(…)` for handlers with `#[authenticated]`, and `.public(path, …)` for routes that need no sign-in"
)]
pub trait Routes<S>: Sized + sealed::Sealed {
    #[doc(hidden)]
    fn into_axum(self) -> routing::MethodRouter<S>;
}

/// Guarded routes of many paths, to be nested in or merged into a router with the state
/// `S`: a [`Router`](super::Router). Sealed.
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::routing::{GuardedRouter, Router};
///
/// fn app(api: impl GuardedRouter<Clerk>) -> Router<Clerk> {
///     Router::new().nest("/api", api)
/// }
///
/// let router = app(Router::new());
/// ```
#[diagnostic::on_unimplemented(
    message = "these routes can be reached without signing in",
    label = "`{Self}` is not a guarded `Router`",
    note = "build it as a `clerk_auth::routing::Router`, or mount it with `.public_nest(path, …)` or `.public_merge(…)`"
)]
pub trait GuardedRouter<S>: Sized + sealed::Sealed {
    #[doc(hidden)]
    fn into_axum(self) -> axum::Router<S>;
}

/// The state of a router, which equals the state `Own` of its routes.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "these routes have another state than the router that takes them",
    label = "routes with the state `{Own}` in a router with the state `{Self}`",
    note = "give them their own state, `.with_state(…)`, before they are mounted; or take the same state in all handlers"
)]
pub trait SameState<Own>: Sized {
    /// Returns its argument.
    fn routes(routes: routing::MethodRouter<Own>) -> routing::MethodRouter<Self>;

    /// Returns its argument.
    fn router(router: axum::Router<Own>) -> axum::Router<Self>;
}

impl<S> SameState<S> for S {
    fn routes(routes: routing::MethodRouter<S>) -> routing::MethodRouter<S> {
        routes
    }

    fn router(router: axum::Router<S>) -> axum::Router<S> {
        router
    }
}

/// The state that a router still needs; `()` if it needs none.
#[doc(hidden)]
#[derive(Debug)]
pub struct MissingState<S>(PhantomData<S>);

/// Implemented for `MissingState<()>`. With a trait on the router itself, rustc would not show the message.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this router has no state yet",
    label = "it needs a state of the type `{S}`",
    note = "call `.with_state(…)` on the router first"
)]
pub trait Given<S> {
    /// Returns its argument.
    fn complete(router: axum::Router<S>) -> axum::Router;

    /// Returns its argument.
    fn complete_mut(router: &mut axum::Router<S>) -> &mut axum::Router;
}

impl Given<()> for MissingState<()> {
    fn complete(router: axum::Router) -> axum::Router {
        router
    }

    fn complete_mut(router: &mut axum::Router) -> &mut axum::Router {
        router
    }
}

pub(super) mod sealed {
    pub trait Sealed {}
}
