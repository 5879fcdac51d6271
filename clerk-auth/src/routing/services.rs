//! The functions that begin a [`MethodRouter`] with a service: `get_service`, `post_service` and the others.
//!
//! Written out, because rustc shows the function beside its message, and would show a macro instead.

use axum::routing::MethodFilter;

use super::method_router::MethodRouter;
use super::service::GuardedService;

/// Routes requests of every method to a guarded service, as [`get_service`] does.
pub fn any_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    MethodRouter::of_every_method_service(service)
}

/// Routes `CONNECT` requests to a guarded service, as [`get_service`] does.
pub fn connect_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::CONNECT, service)
}

/// Routes `DELETE` requests to a guarded service, as [`get_service`] does.
pub fn delete_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::DELETE, service)
}

/// Routes `GET` and, without the body, `HEAD` requests to a service behind
/// [`RequireSession`](crate::middleware::RequireSession).
///
/// The other functions are used like this one:
///
/// ```
/// use std::convert::Infallible;
///
/// use axum::extract::Request;
/// use axum::response::Response;
/// use clerk_auth::Clerk;
/// use clerk_auth::middleware::RequireSession;
/// use clerk_auth::routing::{Router, get_service};
/// use tower::{Layer, service_fn};
///
/// async fn report(_request: Request) -> Result<Response, Infallible> {
///     Ok(Response::default())
/// }
///
/// fn app(clerk: Clerk) -> Router {
///     let report = RequireSession::new(clerk).layer(service_fn(report));
///     Router::new().route("/report", get_service(report))
/// }
/// ```
pub fn get_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::GET, service)
}

/// Routes `HEAD` requests to a guarded service, as [`get_service`] does.
pub fn head_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::HEAD, service)
}

/// Routes `OPTIONS` requests to a guarded service, as [`get_service`] does.
pub fn options_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::OPTIONS, service)
}

/// Routes `PATCH` requests to a guarded service, as [`get_service`] does.
pub fn patch_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::PATCH, service)
}

/// Routes `POST` requests to a guarded service, as [`get_service`] does.
pub fn post_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::POST, service)
}

/// Routes `PUT` requests to a guarded service, as [`get_service`] does.
pub fn put_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::PUT, service)
}

/// Routes `TRACE` requests to a guarded service, as [`get_service`] does.
pub fn trace_service<T, S>(service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    on_service(MethodFilter::TRACE, service)
}

/// Routes requests of the filter's methods to a guarded service, as [`get_service`] does.
pub fn on_service<T, S>(filter: MethodFilter, service: T) -> MethodRouter<S>
where
    T: GuardedService,
    S: Clone + Send + Sync + 'static,
{
    MethodRouter::new().on_service(filter, service)
}
