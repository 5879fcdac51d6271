//! The common parts of work that goes through all of Clerk's users and that no request waits for.

pub(super) mod error;
pub(super) mod instance;
pub(super) mod pages;
pub(super) mod retry;
