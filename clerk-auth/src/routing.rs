//! Routers whose handlers can only be reached with a session.
//!
//! ```
//! use clerk_auth::routing::{Router, get};
//! use clerk_auth::{Clerk, Session, authenticated};
//!
//! #[authenticated]
//! async fn whoami(session: Session) -> String {
//!     session.user_id().to_string()
//! }
//!
//! #[authenticated(role = "org:admin")]
//! async fn rename() {}
//!
//! fn app(clerk: Clerk) -> Router {
//!     Router::new()
//!         .route("/me", get(whoami).put(rename))
//!         .public("/healthz", axum::routing::get(async || "ok"))
//!         .with_state(clerk)
//! }
//! ```
//!
//! [`Router`] and [`MethodRouter`] have the methods of axum's types. A handler whose first parameter does not
//! authenticate is a compile error wherever it is mounted, as is a service that is not behind
//! [`RequireSession`](crate::middleware::RequireSession). A route that needs no sign-in is mounted by a method whose
//! name begins with `public`, so that a review finds it. A response that a layer itself sends, such as a CORS preflight
//! response, is not guarded.
//!
//! # The state
//!
//! The state provides a [`Clerk`](crate::Clerk), and a [`UserSync`](crate::UserSync) for each struct of users. A state
//! is a struct with `#[derive(Clone, FromRef)]`, or an `Arc` of one: `.with_state(Arc::new(state))`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::extract::{FromRef, State};
//! use clerk_auth::routing::{Router, get};
//! use clerk_auth::{Clerk, authenticated};
//!
//! #[derive(Clone, FromRef)]
//! struct AppState {
//!     clerk: Clerk,
//!     greeting: String,
//! }
//!
//! #[authenticated]
//! async fn greet(State(state): State<Arc<AppState>>) -> String {
//!     state.greeting.clone()
//! }
//!
//! fn app(state: AppState) -> Router {
//!     Router::new().route("/greet", get(greet)).with_state(Arc::new(state))
//! }
//! ```
//!
//! # With `axum::Router`
//!
//! Both types convert into axum's, but not back:
//!
//! ```
//! # use clerk_auth::{Clerk, authenticated, routing::get};
//! # #[authenticated]
//! # async fn whoami() {}
//! let guarded: clerk_auth::routing::Router<Clerk> = clerk_auth::routing::Router::new();
//! let router: axum::Router<Clerk> = axum::Router::new()
//!     .merge(guarded)
//!     .route("/me", get(whoami).into());
//! ```
//!
//! To mount a router of axum or of another crate, put it behind [`RequireSession`](crate::middleware::RequireSession)
//! and use [`Router::nest_service`], or use [`Router::public_nest`].
//!
//! # With `utoipa-axum`
//!
//! `routes!` mounts handlers by axum's functions, which guard nothing. So let its router describe the routes, and a
//! guarded router serve them:
//!
//! ```
//! use axum::Json;
//! use clerk_auth::routing::{Router, get};
//! use clerk_auth::{Clerk, Session, authenticated};
//! use utoipa_axum::router::OpenApiRouter;
//! use utoipa_axum::routes;
//!
//! #[utoipa::path(get, path = "/me", responses((status = OK, body = String)))]
//! #[authenticated]
//! async fn whoami(session: Session) -> String {
//!     session.user_id().to_string()
//! }
//!
//! fn app(clerk: Clerk) -> Router {
//!     let document = OpenApiRouter::<Clerk>::new().routes(routes!(whoami)).into_openapi();
//!     Router::new()
//!         .route("/me", get(whoami))
//!         .public("/openapi.json", axum::routing::get(async || Json(document)))
//!         .with_state(clerk)
//! }
//! ```
//!
//! A route that is described but not served is answered with 404. In a test, send a request without a token to each
//! path of the document, and expect 401.

mod handler;
mod handlers;
mod method_router;
mod mount;
mod router;
mod serve;
mod service;
mod services;
mod webhooks;

pub use handler::{GuardedFunction, HandlerFor};
// Named in messages.
#[doc(hidden)]
pub use handler::{
    Answer, AuthenticatesWith, Extracts, ExtractsLast, FirstParameter, HandlerFuture, ProvidesUser,
    RequiredUser, ResponseFuture,
};
pub use handlers::{any, connect, delete, get, head, on, options, patch, post, put, trace};
pub use method_router::MethodRouter;
#[doc(hidden)]
pub use mount::{Given, MissingState, SameState};
pub use mount::{GuardedRouter, Routes};
pub use router::Router;
pub use service::GuardedService;
pub use services::{
    any_service, connect_service, delete_service, get_service, head_service, on_service, options_service,
    patch_service, post_service, put_service, trace_service,
};
pub use webhooks::webhooks;
