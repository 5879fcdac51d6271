//! Values and pure decisions: no clock, no task, no database.

pub(super) mod announcement;
pub(super) mod barring;
#[cfg(feature = "backend-api")]
pub(super) mod linking;
pub(super) mod logged_row;
pub(super) mod observation;
pub(super) mod outcome;
pub(super) mod plan;
pub(super) mod row;
pub(super) mod version;
