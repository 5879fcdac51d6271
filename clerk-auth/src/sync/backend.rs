//! Lookups in Clerk's Backend API during requests, and the use of their results.

pub(super) mod budget;
pub(super) mod instance_proof;
pub(super) mod lookup;
