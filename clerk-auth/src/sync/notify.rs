//! What one process learns of the others while it runs.

pub(super) mod denial_reader;
#[cfg(feature = "postgres")]
pub(super) mod listener;
