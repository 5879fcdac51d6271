//! The handlers of a path, by method: axum's `MethodRouter` whose handlers are all guarded.

use std::convert::Infallible;
use std::fmt;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{self, MethodFilter, Route};
use tower_layer::Layer;
use tower_service::Service;

use super::handler::{GuardedFunction, HandlerFor, Mounted};
use super::mount::{Routes, SameState, sealed};
use super::service::GuardedService;

/// The handlers of one path, by method. Each handler authenticates.
///
/// [`get`](super::get) and similar functions create a `MethodRouter`. Its methods are axum's, and accept only guarded
/// handlers and services:
///
/// ```
/// use clerk_auth::routing::{Router, get};
/// use clerk_auth::{Clerk, authenticated};
///
/// #[authenticated]
/// async fn read() {}
///
/// #[authenticated(role = "org:admin")]
/// async fn write() {}
///
/// let router: Router<Clerk> = Router::new().route("/notes", get(read).post(write));
/// ```
///
/// ```compile_fail
/// # use clerk_auth::routing::{Router, get};
/// # use clerk_auth::{Clerk, authenticated};
/// # #[authenticated]
/// # async fn read() {}
/// async fn write() {} // anybody may call this
///
/// let router: Router<Clerk> = Router::new().route("/notes", get(read).post(write));
/// ```
///
/// For an `axum::Router`, convert it into axum's type. The conversion is one-way:
///
/// ```
/// # use clerk_auth::routing::get;
/// # use clerk_auth::{Clerk, authenticated};
/// # #[authenticated]
/// # async fn read() {}
/// let router: axum::Router<Clerk> = axum::Router::new().route("/notes", get(read).into());
/// ```
#[must_use]
pub struct MethodRouter<S = ()>(routing::MethodRouter<S>);

impl<S> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// Creates a router that answers 405 to every method.
    pub fn new() -> Self {
        Self(routing::MethodRouter::new())
    }

    pub(super) fn of_every_method<H, T>(handler: H) -> Self
    where
        H: HandlerFor<T, S>,
        T: 'static,
    {
        Self(routing::any(Mounted::new(handler)))
    }

    pub(super) fn of_every_method_service<T: GuardedService>(service: T) -> Self {
        Self(routing::any_service(service))
    }

    /// Adds a guarded handler for the filter's methods.
    ///
    /// # Panics
    ///
    /// If one of the methods already has a handler.
    #[track_caller]
    pub fn on<H, T>(self, filter: MethodFilter, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        Self(self.0.on(filter, Mounted::new(handler)))
    }

    /// Adds a guarded service for the filter's methods.
    ///
    /// # Panics
    ///
    /// If one of the methods already has a handler.
    #[track_caller]
    pub fn on_service<T: GuardedService>(self, filter: MethodFilter, service: T) -> Self {
        Self(self.0.on_service(filter, service))
    }

    /// Sends requests of all other methods to a guarded handler instead of answering 405.
    pub fn fallback<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        Self(self.0.fallback(Mounted::new(handler)))
    }

    /// Sends requests of all other methods to a guarded service instead of answering 405.
    pub fn fallback_service<T: GuardedService>(self, service: T) -> Self {
        Self(self.0.fallback_service(service))
    }

    /// Adds the handlers of another guarded method router.
    ///
    /// # Panics
    ///
    /// If both have a handler for one method, or both have a fallback.
    #[track_caller]
    pub fn merge<R: Routes<S>>(self, other: R) -> Self {
        Self(self.0.merge(other.into_axum()))
    }

    /// Applies a layer to all handlers, and to the answer 405.
    ///
    /// A response that the layer itself sends is not guarded, unless the layer is inside
    /// [`RequireSession`](crate::middleware::RequireSession).
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self(self.0.layer(layer))
    }

    /// Applies a layer to the handlers that were added before, and not to the answer 405.
    ///
    /// # Panics
    ///
    /// If there are no handlers yet.
    #[track_caller]
    pub fn route_layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self(self.0.route_layer(layer))
    }

    /// Gives the handlers their state.
    pub fn with_state<S2>(self, state: S) -> MethodRouter<S2> {
        MethodRouter(self.0.with_state(state))
    }

    /// Adds a guarded handler for `CONNECT` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `CONNECT` already.
    #[track_caller]
    pub fn connect<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::CONNECT, handler)
    }

    /// Adds a guarded handler for `DELETE` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `DELETE` already.
    #[track_caller]
    pub fn delete<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::DELETE, handler)
    }

    /// Adds a guarded handler for `GET` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `GET` already.
    #[track_caller]
    pub fn get<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::GET, handler)
    }

    /// Adds a guarded handler for `HEAD` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `HEAD` already.
    #[track_caller]
    pub fn head<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::HEAD, handler)
    }

    /// Adds a guarded handler for `OPTIONS` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `OPTIONS` already.
    #[track_caller]
    pub fn options<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::OPTIONS, handler)
    }

    /// Adds a guarded handler for `PATCH` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `PATCH` already.
    #[track_caller]
    pub fn patch<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::PATCH, handler)
    }

    /// Adds a guarded handler for `POST` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `POST` already.
    #[track_caller]
    pub fn post<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::POST, handler)
    }

    /// Adds a guarded handler for `PUT` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `PUT` already.
    #[track_caller]
    pub fn put<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::PUT, handler)
    }

    /// Adds a guarded handler for `TRACE` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `TRACE` already.
    #[track_caller]
    pub fn trace<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::TRACE, handler)
    }

    /// Adds a guarded service for `CONNECT` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `CONNECT` already.
    #[track_caller]
    pub fn connect_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::CONNECT, service)
    }

    /// Adds a guarded service for `DELETE` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `DELETE` already.
    #[track_caller]
    pub fn delete_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::DELETE, service)
    }

    /// Adds a guarded service for `GET` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `GET` already.
    #[track_caller]
    pub fn get_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::GET, service)
    }

    /// Adds a guarded service for `HEAD` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `HEAD` already.
    #[track_caller]
    pub fn head_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::HEAD, service)
    }

    /// Adds a guarded service for `OPTIONS` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `OPTIONS` already.
    #[track_caller]
    pub fn options_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::OPTIONS, service)
    }

    /// Adds a guarded service for `PATCH` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `PATCH` already.
    #[track_caller]
    pub fn patch_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::PATCH, service)
    }

    /// Adds a guarded service for `POST` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `POST` already.
    #[track_caller]
    pub fn post_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::POST, service)
    }

    /// Adds a guarded service for `PUT` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `PUT` already.
    #[track_caller]
    pub fn put_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::PUT, service)
    }

    /// Adds a guarded service for `TRACE` requests.
    ///
    /// # Panics
    ///
    /// If there is a handler for `TRACE` already.
    #[track_caller]
    pub fn trace_service<T: GuardedService>(self, service: T) -> Self {
        self.on_service(MethodFilter::TRACE, service)
    }
}

impl<S> Clone for MethodRouter<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Default for MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for MethodRouter<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Converts into axum's type. The conversion is one-way, because axum's type accepts unguarded handlers.
impl<S> From<MethodRouter<S>> for routing::MethodRouter<S> {
    fn from(guarded: MethodRouter<S>) -> Self {
        guarded.0
    }
}

impl<S> sealed::Sealed for MethodRouter<S> {}

impl<S, Own> Routes<S> for MethodRouter<Own>
where
    S: SameState<Own>,
{
    fn into_axum(self) -> routing::MethodRouter<S> {
        S::routes(self.into())
    }
}
