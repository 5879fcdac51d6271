//! How current this process's copy of the database's denials is.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// For how long the denials that were read last count as current: a read a second, the time for its answer, and a margin.
const CURRENT_FOR: Duration = Duration::from_secs(5);

/// When the denials of the database were last known to be read.
pub(crate) struct Currency {
    is_required: AtomicBool,
    started: Instant,
    /// Milliseconds from the start; -1 before the first time.
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

    /// Sessions are refused from now on while the denials are not current.
    pub(crate) fn require(&self) {
        self.is_required.store(true, Ordering::Release);
    }

    /// Everything that the database held a moment ago has been read.
    pub(crate) fn renew(&self) {
        self.last.store(self.elapsed(), Ordering::Release);
    }

    /// False if currency is required and lost.
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
