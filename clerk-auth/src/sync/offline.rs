//! The common parts of background work on all of Clerk's users.

pub(super) mod error;
pub(super) mod instance;
pub(super) mod pages;
pub(super) mod retry;
