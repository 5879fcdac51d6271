//! The state of one process.

pub(super) mod breaker;
pub(super) mod change_log;
pub(super) mod denial_watch;
pub(super) mod failure_log;
pub(super) mod read_batches;
#[cfg(feature = "postgres")]
pub(super) mod receivers;
pub(super) mod refusals;
pub(super) mod row_cache;
pub(super) mod shared_writes;
pub(super) mod sign_up_predictor;
pub(super) mod striped;
pub(super) mod tasks;
pub(super) mod write_locks;
