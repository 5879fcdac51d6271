//! Turns a panic in the application's code into an error of the request, delivery or user that caused it.
//!
//! The application's code runs in `Decode`, `Encode`, `FromClaim`, `PartialEq`, `Clone`, `Display` and `FromStr` of its
//! types. Hooks and the `Display` of errors are the application's code too. Unwinding releases the resources of the
//! work: a slot, a connection, a transaction.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

/// The work has panicked. The panic's message went to the application's panic hook.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the application's code panicked")]
pub(crate) struct Panicked;

impl Panicked {
    /// Resumes a panic that was caught to release resources. The panic hook does not run again.
    pub(super) fn resume(self) -> ! {
        resume_unwind(Box::new(self))
    }
}

/// Runs work that may panic.
pub(super) async fn caught<F: Future>(work: F) -> Result<F::Output, Panicked> {
    let mut work = pin!(work);
    // Borrowed state is consistent after a panic: locks and slots are guards, and the rest are caches.
    poll_fn(|context| match caught_now(|| work.as_mut().poll(context)) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(Panicked) => Poll::Ready(Err(Panicked)),
    })
    .await
}

/// Calls the application's code, which may panic.
pub(crate) fn caught_now<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        // The payload's destructor is the application's code too.
        drop(catch_unwind(AssertUnwindSafe(|| drop(payload))));
        Panicked
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panic_of_a_future_is_an_error_and_its_guards_are_dropped() {
        struct Guard<'a>(&'a std::cell::Cell<bool>);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let is_dropped = std::cell::Cell::new(false);
        let work = async {
            let _guard = Guard(&is_dropped);
            tokio::task::yield_now().await;
            panic!("the work panics");
        };
        assert_eq!(caught(work).await, Err::<(), _>(Panicked));
        assert!(is_dropped.get());
        assert_eq!(caught(async { 7 }).await, Ok(7));
    }
}
