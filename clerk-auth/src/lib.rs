//! Clerk sign-in as a typed, fresh and race-free row of your own `users` table.
//!
//! Start with the [README](https://docs.rs/crate/clerk-auth/latest), which holds a complete program. The pieces, in the
//! order in which a team meets them:
//!
//! - [`Clerk`] verifies session tokens: build it from a publishable key or the environment.
//! - [`derive(SyncedUser)`](macro@SyncedUser) makes a struct a row kept equal to Clerk's claims.
//! - [`UserSync`] keeps those rows; it lives in the application's state beside [`Clerk`].
//! - [`#[authenticated]`](macro@authenticated) guards a handler and hands it the user.
//! - `webhook` verifies and reads what Clerk sends when nobody makes a request (feature `webhooks`).
//! - [`routing`] has a `Router` in which each route is guarded or named public; [`middleware`] guards what is not a handler.

#![forbid(unsafe_code)]
// Without a database there are sessions and no rows: what serves rows stands unused.
#![cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, unused_imports)
)]

mod http;
pub mod id;
pub mod metrics;
pub mod time;

pub mod lenient;

pub mod claim;

pub mod session;

pub mod policy;

pub mod user;

pub mod token;

mod deny_list;

pub mod schema;

#[cfg(feature = "backend-api")]
pub mod backend_api;

#[cfg(feature = "webhooks")]
pub mod webhook;

pub mod clerk;

pub mod sync;

pub mod extract;
pub mod middleware;
pub mod routing;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "dev")]
pub mod dev;

#[doc(hidden)]
pub mod __private;

pub use clerk::Clerk;
#[doc = include_str!("docs/synced_user.md")]
pub use clerk_auth_macros::SyncedUser;
#[doc = include_str!("docs/authenticated.md")]
pub use clerk_auth_macros::authenticated;
pub use session::Session;
pub use sync::{Synced, UserSync};
pub use user::SyncedUser;

/// The README's program compiles.
#[cfg(all(doctest, feature = "postgres", feature = "sqlite"))]
#[doc = include_str!("../../README.md")]
struct Readme;
