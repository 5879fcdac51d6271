//! Imports and verification of all of Clerk's users.

pub(super) mod missing;
pub(super) mod page;
pub(super) mod progress;
pub(super) mod row_state;
pub(super) mod run;
pub(super) mod verify;
