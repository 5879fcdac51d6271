//! axum's `Router`, with routes that are all guarded or named public.

use std::convert::Infallible;
use std::fmt;

use axum::extract::Request;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{self, IntoMakeService, Route, RouterAsService, RouterIntoService};
use tower_layer::Layer;
use tower_service::Service;

use super::handler::{GuardedFunction, HandlerFor, Mounted};
use super::mount::{Given, GuardedRouter, MissingState, Routes, SameState, sealed};
use super::service::GuardedService;

/// A router in which every route is guarded, or mounted by a method whose name begins with `public`.
///
/// Its methods are axum's, with the same behaviour: see [`axum::Router`].
///
/// ```
/// use axum::routing;
/// use clerk_auth::routing::{Router, get};
/// use clerk_auth::{Clerk, Session, authenticated};
///
/// #[authenticated]
/// async fn whoami(session: Session) -> String {
///     session.user_id().to_string()
/// }
///
/// async fn health() -> &'static str {
///     "ok"
/// }
///
/// fn app(clerk: Clerk) -> Router {
///     Router::new()
///         .route("/me", get(whoami))
///         .public("/healthz", routing::get(health))
///         .with_state(clerk)
/// }
/// ```
///
/// | for | guarded | public |
/// |---|---|---|
/// | the handlers of a path | [`route`](Self::route) | [`public`](Self::public) |
/// | a service | [`route_service`](Self::route_service) | [`public_service`](Self::public_service) |
/// | a router under a prefix | [`nest`](Self::nest), [`nest_service`](Self::nest_service) | [`public_nest`](Self::public_nest), [`public_nest_service`](Self::public_nest_service) |
/// | the routes of another router | [`merge`](Self::merge) | [`public_merge`](Self::public_merge) |
/// | paths without a route | [`fallback`](Self::fallback), [`fallback_service`](Self::fallback_service) | [`public_fallback`](Self::public_fallback), [`public_fallback_service`](Self::public_fallback_service) |
/// | methods without a handler | [`method_not_allowed_fallback`](Self::method_not_allowed_fallback) | [`public_method_not_allowed_fallback`](Self::public_method_not_allowed_fallback) |
///
/// A public handler may be guarded by itself. `#[authenticated] async fn home(user: Option<User>)` serves visitors too, so
/// `home` is mounted with [`public`](Self::public).
#[must_use]
pub struct Router<S = ()>(pub(super) axum::Router<S>);

impl<S> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// Creates a router that answers 404 to every request.
    pub fn new() -> Self {
        Self(axum::Router::new())
    }

    /// Allows paths in the syntax of axum 0.7, which are rejected by default.
    pub fn without_v07_checks(self) -> Self {
        Self(self.0.without_v07_checks())
    }

    /// Mounts guarded handlers at a path.
    ///
    /// # Panics
    ///
    /// If the path is not valid, or one of the methods has a handler there already.
    #[track_caller]
    pub fn route<R: Routes<S>>(self, path: &str, routes: R) -> Self {
        Self(self.0.route(path, routes.into_axum()))
    }

    /// Mounts a route at a path that anyone may call.
    ///
    /// ```
    /// use clerk_auth::Clerk;
    /// use clerk_auth::routing::Router;
    ///
    /// let router: Router<Clerk> = Router::new().public("/healthz", axum::routing::get(async || "ok"));
    /// ```
    ///
    /// # Panics
    ///
    /// If the path is not valid, or one of the methods has a handler there already.
    #[track_caller]
    pub fn public(self, path: &str, routes: routing::MethodRouter<S>) -> Self {
        Self(self.0.route(path, routes))
    }

    /// Mounts a service behind [`RequireSession`](crate::middleware::RequireSession) at a path.
    ///
    /// # Panics
    ///
    /// If the path is not valid, or has a route already.
    #[track_caller]
    pub fn route_service<T: GuardedService>(self, path: &str, service: T) -> Self {
        Self(self.0.route_service(path, service))
    }

    /// Mounts a service at a path that anyone may call.
    ///
    /// # Panics
    ///
    /// If the path is not valid, or has a route already.
    #[track_caller]
    pub fn public_service<T>(self, path: &str, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        Self(self.0.route_service(path, service))
    }

    /// Mounts a guarded router under a prefix.
    ///
    /// # Panics
    ///
    /// If the prefix is not valid, or one of its routes exists already.
    #[track_caller]
    pub fn nest<R: GuardedRouter<S>>(self, path: &str, router: R) -> Self {
        Self(self.0.nest(path, router.into_axum()))
    }

    /// Mounts an axum router under a prefix. Its handlers are not checked.
    ///
    /// # Panics
    ///
    /// If the prefix is not valid, or one of its routes exists already.
    #[track_caller]
    pub fn public_nest(self, path: &str, router: axum::Router<S>) -> Self {
        Self(self.0.nest(path, router))
    }

    /// Mounts a service behind [`RequireSession`](crate::middleware::RequireSession) under a prefix.
    ///
    /// # Panics
    ///
    /// If the prefix is not valid, or has a route already.
    #[track_caller]
    pub fn nest_service<T: GuardedService>(self, path: &str, service: T) -> Self {
        Self(self.0.nest_service(path, service))
    }

    /// Mounts a service under a prefix that anyone may call.
    ///
    /// # Panics
    ///
    /// If the prefix is not valid, or has a route already.
    #[track_caller]
    pub fn public_nest_service<T>(self, path: &str, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        Self(self.0.nest_service(path, service))
    }

    /// Adds the routes of another guarded router.
    ///
    /// # Panics
    ///
    /// If a route exists in both, or both have a fallback.
    #[track_caller]
    pub fn merge<R: GuardedRouter<S>>(self, other: R) -> Self {
        Self(self.0.merge(other.into_axum()))
    }

    /// Adds the routes of an axum router. Its handlers are not checked.
    ///
    /// # Panics
    ///
    /// If a route exists in both, or both have a fallback.
    #[track_caller]
    pub fn public_merge(self, other: axum::Router<S>) -> Self {
        Self(self.0.merge(other))
    }

    /// Applies a layer to the routes that were added before, and to the fallback.
    ///
    /// A response that the layer itself sends is not guarded, unless the layer is inside
    /// [`RequireSession`](crate::middleware::RequireSession): a CORS layer answers preflight requests from anyone.
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

    /// Applies a layer to the routes that were added before, and not to the fallback.
    ///
    /// # Panics
    ///
    /// If there are no routes yet.
    #[track_caller]
    pub fn route_layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self(self.0.route_layer(layer))
    }

    /// Returns true if there is a route.
    #[must_use]
    pub fn has_routes(&self) -> bool {
        self.0.has_routes()
    }

    /// Sends requests of paths without a route to a guarded handler instead of answering 404.
    pub fn fallback<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        Self(self.0.fallback(Mounted::new(handler)))
    }

    /// Sends requests of paths without a route to a handler that anyone may call.
    pub fn public_fallback<H, T>(self, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        Self(self.0.fallback(handler))
    }

    /// Sends requests of paths without a route to a service behind
    /// [`RequireSession`](crate::middleware::RequireSession).
    pub fn fallback_service<T: GuardedService>(self, service: T) -> Self {
        Self(self.0.fallback_service(service))
    }

    /// Sends requests of paths without a route to a service that anyone may call.
    pub fn public_fallback_service<T>(self, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        Self(self.0.fallback_service(service))
    }

    /// Sends requests of methods without a handler to a guarded handler instead of answering 405.
    pub fn method_not_allowed_fallback<H, T>(self, handler: H) -> Self
    where
        H: GuardedFunction<T> + HandlerFor<T, S>,
        T: 'static,
    {
        Self(self.0.method_not_allowed_fallback(Mounted::new(handler)))
    }

    /// Sends requests of methods without a handler to a handler that anyone may call.
    pub fn public_method_not_allowed_fallback<H, T>(self, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        Self(self.0.method_not_allowed_fallback(handler))
    }

    /// Removes the fallback: paths without a route are answered 404.
    pub fn reset_fallback(self) -> Self {
        Self(self.0.reset_fallback())
    }

    /// Gives the handlers their state. The resulting router may have another state.
    pub fn with_state<S2>(self, state: S) -> Router<S2> {
        Router(self.0.with_state(state))
    }

    /// Borrows the router as a service with a body of one type, where rustc cannot infer the type.
    pub fn as_service<B>(&mut self) -> RouterAsService<'_, B, S> {
        self.0.as_service()
    }

    /// Converts the router into a service with a body of one type, where rustc cannot infer the type.
    #[must_use]
    pub fn into_service<B>(self) -> RouterIntoService<B, S> {
        self.0.into_service()
    }

    /// Converts the router into a factory of services for connections.
    #[must_use]
    pub fn into_make_service(self) -> IntoMakeService<axum::Router>
    where
        MissingState<S>: Given<S>,
    {
        MissingState::complete(self.0).into_make_service()
    }

    /// Converts the router into a factory of services for connections, and gives handlers its `ConnectInfo<C>`.
    #[must_use]
    pub fn into_make_service_with_connect_info<C>(self) -> IntoMakeServiceWithConnectInfo<axum::Router, C>
    where
        MissingState<S>: Given<S>,
    {
        MissingState::complete(self.0).into_make_service_with_connect_info()
    }
}

impl<S> Clone for Router<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Default for Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Converts into axum's type. The conversion is one-way, because axum's type accepts unguarded handlers.
impl<S> From<Router<S>> for axum::Router<S> {
    fn from(guarded: Router<S>) -> Self {
        guarded.0
    }
}

impl<S> sealed::Sealed for Router<S> {}

impl<S, Own> GuardedRouter<S> for Router<Own>
where
    S: SameState<Own>,
{
    fn into_axum(self) -> axum::Router<S> {
        S::router(self.into())
    }
}
