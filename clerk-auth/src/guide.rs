//! Chapters for teams, from an account to operations. They contain documentation only.
//!
//! | chapter | answers |
//! |---|---|
//! | [`getting_started`] | how do I get from Clerk's dashboard to the first row? |
//! | [`custom_claims`] | how does a role from metadata become a typed column, and a guard? |
//! | [`routes`] | how do public and private routes live in one application? |
//! | [`testing`] | how do I test my handlers offline? |
//! | [`front_end`] | how do I develop my front end without an account? |
//! | [`browser_and_server`] | what travels between browser, Clerk and my server? |
//! | [`webhooks`] | how do rows follow users who make no request? |
//! | [`organizations`] | how does a removed member lose access before the token expires? |
//! | [`operations`] | what do I set, watch and alert on? |
//! | [`moving_over`] | how do I come from NestJS, `clerk-rs` or an upsert of my own? |

#[doc = include_str!("guide/getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("guide/custom_claims.md")]
pub mod custom_claims {}

#[doc = include_str!("guide/routes.md")]
pub mod routes {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}

#[doc = include_str!("guide/front_end.md")]
pub mod front_end {}

#[doc = include_str!("guide/browser_and_server.md")]
pub mod browser_and_server {}

#[doc = include_str!("guide/webhooks.md")]
pub mod webhooks {}

#[doc = include_str!("guide/organizations.md")]
pub mod organizations {}

#[doc = include_str!("guide/operations.md")]
pub mod operations {}

#[doc = include_str!("guide/moving_over.md")]
pub mod moving_over {}
