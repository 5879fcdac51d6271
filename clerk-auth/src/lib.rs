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
//! | connect a real Clerk account | [getting started][guide-start] |
//! | choose columns, types and claims | [`derive(SyncedUser)`](macro@SyncedUser) |
//! | take a role or another value from metadata | [custom claims][guide-claims] |
//! | guard a handler by role, permission, plan or a rule of my own | [`#[authenticated]`](macro@authenticated), [`policy`] |
//! | guard by a column of the row | [custom claims][guide-claims] |
//! | name a route public, greet visitors, set up CORS | [public and private routes][guide-routes], [`routing`] |
//! | guard files, WebSockets and routers of other crates | [`middleware::RequireSession`], [cookies and other sites](middleware#cookies-and-other-sites) |
//! | read the token's claims without a database | [`Session`] |
//! | go on while the database is down | [`extract::MaybeSynced`] |
//! | see what sync did for a request | [`Synced`] |
//! | link rows that were there before Clerk | [`link`](macro@SyncedUser#rows-that-were-there-before-clerk) |
//! | do something once for each new user | [`on_insert`](sync::UserSyncBuilder::on_insert) |
//! | delete a user, or clean up after one | [`UserSync::delete`], [`on_delete`](sync::UserSyncBuilder::on_delete), [deleted users](macro@SyncedUser#deleted-users) |
//! | write columns of my own | [`write_through`](UserSync::write_through), [`invalidate`](UserSync::invalidate) |
//! | answer in an error format of my own | [`Rejection::response`](extract::Rejection::response), [`WebhookRejection::response`][webhook-response] |
//! | serve what `utoipa` describes | [with `utoipa-axum`](routing#with-utoipa-axum) |
//! | test my handlers offline | [testing][guide-testing], [`testing`][testing-module] |
//! | run without an account | [`dev`][dev-module], [a front end without an account][guide-front-end] |
//! | see what a browser sends, and when | [what happens between browser and server][guide-browser] |
//! | receive Clerk's webhooks | [webhooks][guide-webhooks], [`routing::webhooks`][webhooks-route], [`webhook`][webhook-module] |
//! | bring all users over, or find drift | [`UserSync::import`][import], [`UserSync::verify`][verify] |
//! | fetch claims that a token lacks | [`backend_api`][backend-api-module] |
//! | run it in production: settings, poolers, metrics, alerts | [operations][guide-operations], [`metrics`] |
//! | understand what happens in races and outages | [`sync`] |
//! | move over from NestJS, `clerk-rs` or an upsert of my own | [moving over][guide-moving] |
//!
// The targets of links depend on the features of this build.
#![cfg_attr(
    all(
        feature = "backend-api",
        feature = "dev",
        feature = "postgres",
        feature = "sqlite"
    ),
    doc = include_str!("docs/links.md")
)]
#![cfg_attr(
    not(all(
        feature = "backend-api",
        feature = "dev",
        feature = "postgres",
        feature = "sqlite"
    )),
    doc = include_str!("docs/links_elsewhere.md")
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// Without a database, the code for rows is unused.
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

pub mod row;

pub mod template;

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

#[cfg(all(
    doc,
    feature = "backend-api",
    feature = "dev",
    feature = "postgres",
    feature = "sqlite"
))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
pub mod guide;

#[doc(hidden)]
pub mod __private;

pub use clerk::Clerk;
#[doc = include_str!("docs/synced_membership.md")]
pub use clerk_auth_macros::SyncedMembership;
#[doc = include_str!("docs/synced_organization.md")]
pub use clerk_auth_macros::SyncedOrganization;
#[doc = include_str!("docs/synced_user.md")]
pub use clerk_auth_macros::SyncedUser;
#[doc = include_str!("docs/authenticated.md")]
pub use clerk_auth_macros::authenticated;
pub use row::{SyncedMembership, SyncedOrganization, SyncedRow, SyncedUser};
pub use session::Session;
pub use sync::{Member, MembershipSync, OrganizationSync, Synced, UserSync};
