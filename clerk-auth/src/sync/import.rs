//! The import and the verification of all users, organizations and memberships, generic over the three kinds.

pub(super) mod cursor;
mod follower;
pub(super) mod id;
mod members;
pub(super) mod missing;
pub(super) mod page;
pub(super) mod progress;
pub(super) mod row_state;
pub(super) mod run;
pub(super) mod verify;
