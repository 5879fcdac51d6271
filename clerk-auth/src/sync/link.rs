//! Links existing rows to Clerk's users, offline.

pub(super) mod candidate;
pub(super) mod error;
pub(super) mod pairing;
pub(super) mod report;
pub(super) mod run;
