//! A tower layer that admits only requests with a session to a router.
//!
//! Guards what extractors cannot: services, files, routers of other crates. Handlers inside still declare their user,
//! without a second verification of the session.
//!
//! # Cookies and other sites
//!
//! A browser sends the session cookie with every request to the application, including requests from pages of other
//! sites. Such a page could post a form as the signed-in user (cross-site request forgery), or open a WebSocket. The
//! layer and all extractors therefore check the origin of a request if the session came by cookie and the request may
//! change something. A request may change something if its method is not GET, HEAD or OPTIONS, or if it opens a
//! WebSocket.
//!
//! | the request has | and is then |
//! |---|---|
//! | neither `Origin` nor `Sec-Fetch-Site` | accepted: no browser sends such a request |
//! | an `Origin` that is one of the [authorized parties](crate::clerk::ClerkBuilder::authorized_parties) | accepted, also from a front end on another site |
//! | `Sec-Fetch-Site: same-origin` | accepted: the application's own page sends it |
//! | anything else: another origin, `Origin: null`, a repeated `Origin`, `Sec-Fetch-Site: same-site` or `none` | refused: 403 `cross_site_request`, also for an optional user |
//!
//! Requests with `Authorization: Bearer` are not affected, because no browser adds that header by itself.
//!
//! - Configure the authorized parties. Without them only `Sec-Fetch-Site: same-origin` counts, which browsers send only
//!   to `https` and `localhost`.
//! - GET must not change anything: links and images of other sites make GET requests with the cookie.
//! - A layer that changes the method must not make an unsafe method safe. Add it outside of `RequireSession`.
//! - [`ClerkBuilder::insecure_accept_cross_site_requests`](crate::clerk::ClerkBuilder::insecure_accept_cross_site_requests)
//!   turns the check off.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use tower_layer::Layer;
use tower_service::Service;

use crate::clerk::Clerk;
use crate::extract::{Rejection, admit};
use crate::policy::{Policy, SignedIn};

/// Answers 401 to requests without a session, and 403 if the policy `P` denies; see [`Rejection`].
///
/// ```
/// use axum::{Router, routing::get};
/// use clerk_auth::middleware::RequireSession;
/// use clerk_auth::policy::{Policy, Requirement};
/// use clerk_auth::{Clerk, Session};
///
/// struct Admins;
///
/// impl Policy for Admins {
///     const REQUIREMENT: Requirement = Requirement::Role("org:admin");
/// }
///
/// async fn whoami(session: Session) -> String {
///     session.user_id().to_string()
/// }
///
/// fn app(clerk: Clerk) -> Router {
///     let reports = Router::new()
///         .route("/whoami", get(whoami))
///         .route("/static", get(async || "no extractor"))
///         .layer(RequireSession::new(clerk.clone()));
///     let admin = Router::new()
///         .route("/", get(async || "for administrators"))
///         .layer(RequireSession::new(clerk.clone()).policy::<Admins>());
///     Router::new().nest("/reports", reports).nest("/admin", admin).with_state(clerk)
/// }
/// ```
///
/// As for every axum layer, routes that are added after the layer are not guarded.
pub struct RequireSession<P = SignedIn> {
    clerk: Clerk,
    policy: PhantomData<fn() -> P>,
}

impl RequireSession {
    /// Creates a layer that accepts every signed-in user.
    pub fn new(clerk: Clerk) -> Self {
        Self {
            clerk,
            policy: PhantomData,
        }
    }

    /// Sets the policy that admits users.
    #[must_use]
    pub fn policy<P: Policy>(self) -> RequireSession<P> {
        RequireSession {
            clerk: self.clerk,
            policy: PhantomData,
        }
    }
}

impl<P> Clone for RequireSession<P> {
    fn clone(&self) -> Self {
        Self {
            clerk: self.clerk.clone(),
            policy: PhantomData,
        }
    }
}

impl<P> fmt::Debug for RequireSession<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequireSession")
            .field("clerk", &self.clerk)
            .finish()
    }
}

impl<S, P> Layer<S> for RequireSession<P> {
    type Service = SessionRequired<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionRequired {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind [`RequireSession`].
///
/// Forwards the inner response and never fails. You rarely name this type; `Router::layer` infers it.
///
/// ```
/// use axum::Router;
/// use clerk_auth::Clerk;
/// use clerk_auth::middleware::{RequireSession, SessionRequired};
/// use tower::Layer;
///
/// fn app(clerk: Clerk, files: Router) -> Router {
///     let files: SessionRequired<Router> = RequireSession::new(clerk).layer(files);
///     Router::new().nest_service("/files", files)
/// }
/// ```
#[derive(Debug)]
pub struct SessionRequired<S, P = SignedIn> {
    inner: S,
    layer: RequireSession<P>,
}

impl<S: Clone, P> Clone for SessionRequired<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<S, P, B> Service<Request<B>> for SessionRequired<S, P>
where
    S: Service<Request<B>, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
    P: Policy,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // `call` must use the service that `poll_ready` made ready. A clone is not ready.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let clerk = self.layer.clerk.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match admit::<P>(&mut parts, &clerk).await {
                Ok(Some(_)) => {
                    let answered = inner.call(Request::from_parts(parts, body)).await;
                    answered.map(IntoResponse::into_response)
                }
                // A layer admits no visitors, whatever its policy.
                Ok(None) => Ok(Rejection::SignedOut.into_response()),
                Err(rejection) => Ok(rejection.into_response()),
            }
        })
    }
}
