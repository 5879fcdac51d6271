//! Clerk sign-in as a typed, fresh and race-free row of your own `users` table.
//!
//! Looking for something in particular? There is a [map by task](#i-want-to-) below.
//!
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
//!
//! # I want to …
//!
//! | task | where |
//! |---|---|
//! | configure verification | [`Clerk::from_env`], [`Clerk::builder`], [`clerk::ClerkBuilder`] |
//! | choose columns, types and claims | [`derive(SyncedUser)`](macro@SyncedUser) |
//! | take a role or another value from metadata | [a role from metadata](macro@SyncedUser#a-role-from-metadata) |
//! | guard a handler by role, permission, plan or a rule of my own | [`#[authenticated]`](macro@authenticated), [`policy`] |
//! | name a route public, or greet visitors | [`routing::Router::public`], `Option<User>` in [`extract::Subject`] |
//! | guard files, WebSockets and routers of other crates | [`middleware::RequireSession`], [cookies and other sites](middleware#cookies-and-other-sites) |
//! | read the token's claims without a database | [`Session`] |
//! | go on while the database is down | [`extract::MaybeSynced`] |
//! | see what sync did for a request | [`Synced`] |
//! | do something once for each new user | [`on_insert`](sync::UserSyncBuilder::on_insert) |
//! | delete a user, or clean up after one | [`UserSync::delete`], [`on_delete`](sync::UserSyncBuilder::on_delete), [deleted users](macro@SyncedUser#deleted-users) |
//! | write columns of my own | [`write_through`](UserSync::write_through), [`invalidate`](UserSync::invalidate) |
//! | answer in an error format of my own | [`extract::Rejection::response`], [`WebhookRejection::response`](extract::WebhookRejection::response) |
//! | serve what `utoipa` describes | [with `utoipa-axum`](routing#with-utoipa-axum) |
//! | receive Clerk's webhooks | [`routing::webhooks`], [`webhook`] |
//! | bring all users over, or find drift | [`UserSync::import`][import], [`UserSync::verify`][verify] |
//! | fetch claims that a token lacks | [`backend_api`][backend-api-module] |
//! | test my handlers offline | [`testing`][testing-module] |
//! | run without an account | [`dev`][dev-module] |
//! | understand what happens in races, outages and behind a pooler | [`sync`] |
//! | watch it in production | [`metrics`] |
//!
#![cfg_attr(feature = "backend-api", doc = "[import]: UserSync::import")]
#![cfg_attr(feature = "backend-api", doc = "[verify]: UserSync::verify")]
#![cfg_attr(feature = "backend-api", doc = "[backend-api-module]: backend_api")]
#![cfg_attr(
    not(feature = "backend-api"),
    doc = "[import]: https://docs.rs/clerk-auth/latest/clerk_auth/struct.UserSync.html#method.import"
)]
#![cfg_attr(
    not(feature = "backend-api"),
    doc = "[verify]: https://docs.rs/clerk-auth/latest/clerk_auth/struct.UserSync.html#method.verify"
)]
#![cfg_attr(
    not(feature = "backend-api"),
    doc = "[backend-api-module]: https://docs.rs/clerk-auth/latest/clerk_auth/backend_api/index.html"
)]
#![cfg_attr(feature = "testing", doc = "[testing-module]: testing")]
#![cfg_attr(
    not(feature = "testing"),
    doc = "[testing-module]: https://docs.rs/clerk-auth/latest/clerk_auth/testing/index.html"
)]
#![cfg_attr(feature = "dev", doc = "[dev-module]: dev")]
#![cfg_attr(
    not(feature = "dev"),
    doc = "[dev-module]: https://docs.rs/clerk-auth/latest/clerk_auth/dev/index.html"
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
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
