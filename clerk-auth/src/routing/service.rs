//! Services that are reachable only with a session.

use std::convert::Infallible;

use axum::extract::Request;
use axum::response::Response;
use tower_service::Service;

use crate::middleware::SessionRequired;

/// A service behind [`RequireSession`](crate::middleware::RequireSession), which authenticates each request.
///
/// Sealed. Guarded routers mount these, and no other services:
///
/// ```
/// use axum::routing::get;
/// use clerk_auth::Clerk;
/// use clerk_auth::middleware::RequireSession;
/// use clerk_auth::routing::Router;
/// use tower::Layer;
///
/// fn app(clerk: Clerk) -> Router {
///     let admin = axum::Router::new().route("/", get(async || "signed in"));
///     Router::new().nest_service("/admin", RequireSession::new(clerk).layer(admin))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "`{Self}` does not authenticate requests",
    note = "guard the service with `RequireSession::new(clerk).layer(…)`, or mount it with `.public_service(…)`, `.public_nest_service(…)` or `.public_fallback_service(…)`"
)]
pub trait GuardedService:
    Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + sealed::Sealed
    + 'static
{
}

impl<T, P> GuardedService for SessionRequired<T, P>
where
    P: 'static,
    Self: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
}

mod sealed {
    pub trait Sealed {}

    impl<T, P> Sealed for super::SessionRequired<T, P> {}
}
