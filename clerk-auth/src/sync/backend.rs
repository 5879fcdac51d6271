//! What a request may ask Clerk's Backend API, and when its answers are used.

pub(super) mod budget;
pub(super) mod instance_proof;
pub(super) mod lookup;
