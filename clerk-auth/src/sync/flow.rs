//! The flows: one file for each source of observations, and for their common parts.

#[cfg(feature = "backend-api")]
pub(super) mod backend_api;
pub(super) mod conflict;
pub(super) mod delete;
pub(super) mod member;
pub(super) mod read_together;
pub(super) mod reconcile;
pub(super) mod refusal;
pub(super) mod request;
pub(super) mod webhook;
