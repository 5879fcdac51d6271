//! This process's progress in reading the table of denials.

#[cfg(feature = "postgres")]
use std::sync::atomic::Ordering;
use std::sync::atomic::{AtomicBool, AtomicI64};

use tokio::sync::Notify;

/// The state of this process's copy of the table.
#[derive(Debug, Default)]
pub(crate) struct DenialWatch {
    /// Signals that the table may have changed.
    pub(crate) changed: Notify,
    /// True while notifications are received.
    pub(crate) is_listening: AtomicBool,
    /// The time up to which the table has been read, in milliseconds of the database's clock.
    pub(crate) read_at: AtomicI64,
}

impl DenialWatch {
    /// Requests a read of the table.
    #[cfg(feature = "postgres")]
    pub(crate) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Sets whether notifications are received from now on. Earlier changes are read in any case.
    #[cfg(feature = "postgres")]
    pub(crate) fn set_listening(&self, is_listening: bool) {
        self.is_listening.store(is_listening, Ordering::Release);
        self.notify();
    }
}
