//! Retries with backoff, for background work.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::backend_api::BackendApiError;
use crate::row::SyncedRow;
use crate::sync::error::SyncError;
use crate::sync::failure::Step;
use crate::sync::random;
use crate::sync::unwind::caught;

/// The longest pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause after any failure.
const MAX_PAUSE: Duration = Duration::from_secs(15);

/// The maximum number of consecutive waits for a rate limit. Clerk's limits last ten seconds; after a hundred waits,
/// another client is using up the limit permanently.
const MAX_WAITS: u32 = 100;

/// The default time for which Clerk or the database may fail: a restart or a failover takes less.
pub(crate) const RETRY_FOR: Duration = Duration::from_secs(60);

/// The time to retry while failures continue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy(pub(crate) Duration);

/// Consecutive failures.
struct Backoff {
    policy: RetryPolicy,
    since: Instant,
    longest_pause: Duration,
}

impl RetryPolicy {
    fn began(self) -> Backoff {
        Backoff {
            policy: self,
            since: Instant::now(),
            longest_pause: FIRST_PAUSE,
        }
    }

    /// Returns Clerk's answer. While Clerk's rate limit applies, waits as long as Clerk demands.
    pub(crate) async fn retry_api<T, F>(self, mut question: impl FnMut() -> F) -> Result<T, BackendApiError>
    where
        F: Future<Output = Result<T, BackendApiError>>,
    {
        let mut waits = 0;
        let mut failures = None;
        loop {
            let error = match question().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error {
                BackendApiError::RateLimited(wait) if waits < MAX_WAITS => {
                    tracing::debug!(seconds = wait.as_secs_f32(), "waiting for Clerk's rate limit");
                    waits += 1;
                    failures = None;
                    // Clerk's time ends at once for all processes of one instance.
                    sleep(wait + random::part_of(FIRST_PAUSE)).await;
                }
                error if is_transient(&error) => {
                    let failures = failures.get_or_insert_with(|| self.began());
                    if !failures.pause(&error).await {
                        return Err(error);
                    }
                }
                error => return Err(error),
            }
        }
    }

    /// Returns the database's answer. May repeat work that was half done, so it must be idempotent.
    pub(crate) async fn retry_db<U: SyncedRow, T, F>(
        self,
        mut work: impl FnMut() -> F,
    ) -> Result<T, SyncError>
    where
        F: Future<Output = Result<T, SyncError>>,
    {
        let mut failures = None;
        loop {
            match work().await {
                Err(error) if error.failure::<U>().step() == Step::Wait => {
                    let failures = failures.get_or_insert_with(|| self.began());
                    if !failures.pause(&error).await {
                        return Err(error);
                    }
                }
                done => return done,
            }
        }
    }
}

impl Backoff {
    /// Pauses; returns false if the retry time is over.
    async fn pause(&mut self, error: &(dyn std::error::Error + Sync)) -> bool {
        if self.since.elapsed() + self.longest_pause > self.policy.0 {
            return false;
        }
        let pause = jittered(self.longest_pause);
        tracing::warn!(%error, "trying again in {pause:?}");
        sleep(pause).await;
        self.longest_pause = (self.longest_pause * 2).min(MAX_PAUSE);
        true
    }
}

/// Returns a random pause of at least half the longest. Processes that one outage has stopped do not repeat together.
fn jittered(longest: Duration) -> Duration {
    longest / 2 + random::part_of(longest / 2)
}

/// Returns whether a repeated request may succeed.
fn is_transient(error: &BackendApiError) -> bool {
    match error {
        BackendApiError::Http(_)
        | BackendApiError::Malformed(_)
        | BackendApiError::TooLarge
        | BackendApiError::Interrupted => true,
        BackendApiError::Status { status, .. } => *status == 408 || *status >= 500,
        _ => false,
    }
}

/// The timeout of a statement of many rows, including the application's hooks. No request waits for it.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) async fn at_most<T>(work: impl Future<Output = Result<T, SyncError>>) -> Result<T, SyncError> {
    match tokio::time::timeout(WRITE_TIMEOUT, caught(work)).await {
        Ok(done) => done?,
        Err(_) => Err(SyncError::Timeout(WRITE_TIMEOUT)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pauses_differ_and_are_at_least_half_of_the_longest() {
        for longest in [FIRST_PAUSE, MAX_PAUSE] {
            let pauses: HashSet<Duration> = (0..200).map(|_| jittered(longest)).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..longest).contains(pause)));
            assert!(pauses.len() > 100, "{}", pauses.len());
        }
    }
}
