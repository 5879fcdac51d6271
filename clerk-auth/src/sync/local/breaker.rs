//! The circuit breaker: after repeated failures requests fail fast until a probe gets an answer from the database.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// The number of consecutive failures that open the breaker.
const FAILURES: u32 = 3;

/// The pause between two probes. Together with [`PROBE_TIMEOUT`] less than a second, so that a recovered database is
/// used within a second.
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// The timeout of a probe.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// Counts failures. The breaker has no clock: a probe closes it, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: AtomicU32,
    open: AtomicBool,
}

impl Breaker {
    /// Returns whether requests fail without querying the database.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Records that the database answered.
    pub(crate) fn succeeded(&self) {
        // Loads do not contend between cores; a store on every request would.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Records that the database did not answer. Returns true for the failure that opens the breaker, whose caller then
    /// starts the probes.
    #[must_use]
    pub(crate) fn failed(&self) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES
            && !self.open.swap(true, Ordering::AcqRel)
    }

    /// Records that a probe was answered.
    pub(crate) fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaker_opens_once_after_consecutive_failures_and_a_success_resets_it() {
        let breaker = Breaker::default();
        assert!(!breaker.failed());
        assert!(!breaker.failed());
        breaker.succeeded();
        assert!(!breaker.failed());
        assert!(!breaker.failed());
        assert!(!breaker.is_open());
        assert!(breaker.failed(), "the third in a row");
        assert!(breaker.is_open());
        assert!(!breaker.failed(), "somebody probes already");
        breaker.close();
        assert!(!breaker.is_open());
        assert!(!breaker.failed(), "the count began anew");
    }
}
