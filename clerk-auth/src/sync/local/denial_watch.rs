//! How far this process has read the table of denials.

#[cfg(feature = "postgres")]
use std::sync::atomic::Ordering;
use std::sync::atomic::{AtomicBool, AtomicI64};

use tokio::sync::Notify;

/// What is known of the table.
#[derive(Debug, Default)]
pub(crate) struct DenialWatch {
    /// Somebody says that the table has changed.
    pub(crate) changed: Notify,
    /// Notifications are heard.
    pub(crate) is_listening: AtomicBool,
    /// Up to when the table has been read, in milliseconds of the database's clock.
    pub(crate) read_at: AtomicI64,
}

impl DenialWatch {
    /// Has the table read soon.
    #[cfg(feature = "postgres")]
    pub(crate) fn notify(&self) {
        self.changed.notify_one();
    }

    /// Whether notifications are heard from now on. What was missed before is read in any case.
    #[cfg(feature = "postgres")]
    pub(crate) fn set_listening(&self, is_listening: bool) {
        self.is_listening.store(is_listening, Ordering::Release);
        self.notify();
    }
}
