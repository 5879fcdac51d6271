//! Updates from other processes at run time.

pub(super) mod denial_reader;
#[cfg(feature = "postgres")]
pub(super) mod listener;
