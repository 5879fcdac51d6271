//! Values and pure decisions: no clock, no task, no database.

pub(super) mod announcement;
pub(super) mod barring;
pub(super) mod observation;
pub(super) mod outcome;
pub(super) mod plan;
pub(super) mod row;
pub(super) mod version;
