//! The use of Clerk's Backend API during requests: the lookups that a request may make, and the use of their results.

pub(super) mod budget;
pub(super) mod instance_proof;
pub(super) mod lookup;
