//! The functions that begin a [`MethodRouter`]: `get`, `post` and the others.
//!
//! Written out, because rustc shows the function beside its message, and would show a macro instead.

use axum::routing::MethodFilter;

use super::handler::{GuardedFunction, HandlerFor};
use super::method_router::MethodRouter;

/// Routes requests of every method to a guarded handler.
///
/// ```
/// use clerk_auth::routing::{Router, any};
/// use clerk_auth::{Clerk, authenticated};
///
/// #[authenticated]
/// async fn echo() {}
///
/// let router: Router<Clerk> = Router::new().route("/echo", any(echo));
/// ```
pub fn any<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    MethodRouter::of_every_method(handler)
}

/// Routes `CONNECT` requests to a guarded handler, as [`get`] does.
pub fn connect<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::CONNECT, handler)
}

/// Routes `DELETE` requests to a guarded handler, as [`get`] does.
pub fn delete<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::DELETE, handler)
}

/// Routes `GET` and, without the body, `HEAD` requests to a guarded handler.
///
/// The other functions are used like this one:
///
/// ```
/// use clerk_auth::routing::{Router, get};
/// use clerk_auth::{Clerk, Session, authenticated};
///
/// #[authenticated]
/// async fn read(session: Session) -> String {
///     session.user_id().to_string()
/// }
///
/// #[authenticated(role = "org:admin")]
/// async fn write() {}
///
/// let router: Router<Clerk> = Router::new().route("/settings", get(read).put(write).delete(write));
/// ```
pub fn get<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::GET, handler)
}

/// Routes `HEAD` requests to a guarded handler, as [`get`] does.
pub fn head<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::HEAD, handler)
}

/// Routes `OPTIONS` requests to a guarded handler, as [`get`] does.
pub fn options<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::OPTIONS, handler)
}

/// Routes `PATCH` requests to a guarded handler, as [`get`] does.
pub fn patch<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::PATCH, handler)
}

/// Routes `POST` requests to a guarded handler, as [`get`] does.
pub fn post<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::POST, handler)
}

/// Routes `PUT` requests to a guarded handler, as [`get`] does.
pub fn put<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::PUT, handler)
}

/// Routes `TRACE` requests to a guarded handler, as [`get`] does.
pub fn trace<H, T, S>(handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    on(MethodFilter::TRACE, handler)
}

/// Routes requests of the filter's methods to a guarded handler.
///
/// ```
/// use axum::routing::MethodFilter;
/// use clerk_auth::routing::{Router, on};
/// use clerk_auth::{Clerk, authenticated};
///
/// #[authenticated]
/// async fn save() {}
///
/// let router: Router<Clerk> = Router::new().route("/draft", on(MethodFilter::POST.or(MethodFilter::PUT), save));
/// ```
pub fn on<H, T, S>(filter: MethodFilter, handler: H) -> MethodRouter<S>
where
    H: GuardedFunction<T> + HandlerFor<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    MethodRouter::new().on(filter, handler)
}
