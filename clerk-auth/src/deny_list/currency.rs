//! Tracks whether this process's copy of the database's denials is current.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The time for which the last read counts as current: the second between reads, the time for an answer, and a margin.
const CURRENT_FOR: Duration = Duration::from_secs(5);

/// The time of the last complete read of the database's denials.
pub(crate) struct Currency {
    is_required: AtomicBool,
    started: Instant,
    /// In milliseconds from the start; -1 before the first read.
    last: AtomicI64,
}

impl Currency {
    pub(super) fn new() -> Self {
        Self {
            is_required: AtomicBool::new(false),
            started: Instant::now(),
            last: AtomicI64::new(-1),
        }
    }

    /// Requires current denials from now on: otherwise sessions are refused.
    pub(crate) fn require(&self) {
        self.is_required.store(true, Ordering::Release);
    }

    /// Records that all denials of the database have just been read.
    pub(crate) fn renew(&self) {
        self.last.store(self.elapsed(), Ordering::Release);
    }

    /// Returns false if current denials are required and the copy is too old.
    pub(crate) fn suffices(&self) -> bool {
        if !self.is_required.load(Ordering::Acquire) {
            return true;
        }
        let last = self.last.load(Ordering::Acquire);
        let age = self.elapsed().saturating_sub(last);
        last >= 0 && u128::try_from(age).is_ok_and(|age| age <= CURRENT_FOR.as_millis())
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currency_is_checked_only_if_it_is_required() {
        let currency = Currency::new();
        assert!(currency.suffices());
        currency.require();
        assert!(!currency.suffices(), "nothing has been read");
        currency.renew();
        assert!(currency.suffices());
        currency.last.fetch_sub(6_000, Ordering::Relaxed);
        assert!(!currency.suffices());
    }

    #[test]
    fn currency_is_lost_as_time_goes_by() {
        let mut currency = Currency::new();
        currency.require();
        currency.renew();
        assert!(currency.suffices());
        let six_seconds_ago = Instant::now().checked_sub(Duration::from_secs(6));
        currency.started = six_seconds_ago.expect("the machine has run for longer");
        assert!(!currency.suffices());
    }
}
