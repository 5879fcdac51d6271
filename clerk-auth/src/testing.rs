//! Tools to test handlers offline: an issuer that mints any token, Clerk's endpoints on loopback, signed deliveries of
//! webhooks, and a clock that moves.
//!
//! A handler's test needs no account, no network and no running server:
//!
//! ```
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode, header::AUTHORIZATION};
//! use axum::{Router, routing::get};
//! use clerk_auth::testing::Issuer;
//! use clerk_auth::{Clerk, Session, authenticated};
//! use tower::ServiceExt;
//!
//! #[authenticated(role = "org:admin")]
//! async fn report(session: Session) -> String {
//!     format!("for {}", session.user_id())
//! }
//!
//! fn app(clerk: Clerk) -> Router {
//!     Router::new().route("/report", get(report)).with_state(clerk)
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! // #[tokio::test] async fn only_administrators_read_the_report() {
//! let issuer = Issuer::new("https://clerk.example.com");
//! for (role, status) in [("org:admin", StatusCode::OK), ("org:member", StatusCode::FORBIDDEN)] {
//!     let token = issuer.token("user_ada").organization("org_1", role).sign();
//!     let request = Request::get("/report").header(AUTHORIZATION, format!("Bearer {token}"));
//!     let response = app(issuer.clerk()).oneshot(request.body(Body::empty())?).await?;
//!     assert_eq!(response.status(), status);
//! }
//! // }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! A handler that takes a row also needs a database; an SQLite database in memory is enough. The claims for the struct
//! come from its template: `issuer.token("user_ada").template(User::TEMPLATE, &user_object(…))`.
//!
//! This module does not change the tokens that a verifier accepts. A handle accepts an issuer's tokens only if it was
//! built with the issuer's key.

mod clock;
mod delivery;
#[cfg(any(feature = "jwks", feature = "dev"))]
mod directory;
#[cfg(any(feature = "jwks", feature = "dev"))]
pub(crate) mod endpoints;
#[cfg(feature = "jwks")]
mod fake_clerk;
mod issuer;
#[cfg(feature = "jwks")]
mod organization_directory;
#[cfg(any(feature = "jwks", feature = "dev"))]
pub(crate) mod organization_endpoints;
mod token;
mod user;

pub use clock::MovableClock;
pub use delivery::{SignedDelivery, event};
#[cfg(feature = "jwks")]
pub use fake_clerk::FakeClerk;
pub use issuer::Issuer;
pub use token::SessionToken;
pub use user::{membership_object, organization_object, session_object, set_email, user_object};
