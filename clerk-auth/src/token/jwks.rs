//! The keys of a Clerk instance, fetched from its JWKS document.
//!
//! A request with a known key never waits: keys are read without a lock, and refreshed in the background. The decision
//! is a pure function of ages, [`decide`].
//!
//! # Rotation
//!
//! Clerk's key ids are instance ids, so a key may be replaced under its id. Therefore a signature that fails under a
//! known key causes a fetch of the document. If the key has changed, the request is verified again ([`Jwks::newer`]).
//! Anyone can send a token whose signature fails, so these bounds always hold:
//!
//! - at most one fetch per [`INTERVAL`] for failed signatures, and one for all other reasons: 12 a minute in total, one
//!   at a time. Requests that fail meanwhile share the answer;
//! - a rotation takes effect with the first signature that fails under the old key. During a flood of forged tokens, a
//!   rotation takes effect within [`INTERVAL`] and one fetch ([`FETCH_TIMEOUT`]);
//! - a replaced key loses its trust at once: tokens that it has verified are verified again. While the document cannot
//!   be fetched, or has no usable key, the known keys stay in use. A signature that fails under them is refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::Jwk;
use reqwest::Url;
use serde_json::Value;
use tokio::sync::Mutex;

use super::error::TokenError;
use super::key::VerifyingKey;
use super::refusal::Refusal;
use crate::http::client::{causes, http_client, read_bounded};
use crate::metrics;
use crate::time::{Clock, Timestamp};

/// The age at which known keys are refreshed, as in Clerk's own SDK: 5 minutes.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// The time for which keys are used while the document cannot be fetched, and the longest trust in a removed key.
const STALE: Duration = Duration::from_secs(60 * 60);

/// The minimum time between two fetches, which bounds the effect of a flood of unknown key ids.
const INTERVAL: Duration = Duration::from_secs(10);

/// The timeout of a whole fetch.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest document that is read, in bytes: Clerk's has one or two keys of 500.
const MAX_SIZE: usize = 256 * 1024;

/// The keys of one instance, and their source.
#[derive(Debug)]
pub(crate) struct Jwks {
    url: Url,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    state: ArcSwap<State>,
    fetching: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: Arc<HashMap<String, Arc<VerifyingKey>>>,
    fetched_at: Option<Timestamp>,
    attempted_at: Option<Timestamp>,
    /// The time at which a failed signature last caused a fetch.
    rechecked_at: Option<Timestamp>,
}

/// The reason for a fetch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cause {
    /// A key is due or unknown.
    Age,
    /// A signature failed under a known key.
    Signature,
}

/// The action of a request for its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Decision {
    /// Use the key.
    Use,
    /// Use the key, and refresh the document in the background.
    UseAndRefresh,
    /// Fetch the document and try again.
    Fetch,
    /// Refuse the token, because the key does not exist.
    Unknown,
    /// Fail: the document cannot be fetched, and it is too early to try again.
    Unavailable { retry_after: Duration },
}

/// Decides from three inputs. `known`: the last fetched document has the key. `fetched`: the time since that fetch.
/// `attempted`: the time since the last attempt to fetch.
fn decide(known: bool, fetched: Option<Duration>, attempted: Option<Duration>) -> Decision {
    let may_fetch = attempted.is_none_or(|age| age >= INTERVAL);
    let usable = fetched.is_some_and(|age| age < STALE);
    if known && usable {
        return if fetched.is_some_and(|age| age < FRESH) || !may_fetch {
            Decision::Use
        } else {
            Decision::UseAndRefresh
        };
    }
    if may_fetch {
        return Decision::Fetch;
    }
    // The last attempt succeeded, because there was no attempt after the fetch.
    if usable && attempted >= fetched {
        return Decision::Unknown;
    }
    Decision::Unavailable {
        retry_after: INTERVAL.saturating_sub(attempted.unwrap_or_default()),
    }
}

impl Jwks {
    pub(crate) fn new(url: Url, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let client = http_client(&url).timeout(FETCH_TIMEOUT).build()?;
        Ok(Self {
            url,
            client,
            clock,
            state: ArcSwap::default(),
            fetching: Mutex::new(()),
        })
    }

    /// Returns the key with this id.
    pub(crate) async fn key(self: &Arc<Self>, key_id: &str) -> Result<Arc<VerifyingKey>, TokenError> {
        let (mut decision, mut key) = self.decide(key_id);
        if decision == Decision::UseAndRefresh {
            drop(self.refresh(key_id));
        } else if decision != Decision::Use
            && (decision == Decision::Fetch || self.fetching.try_lock().is_err())
        {
            // A separate task, so that a cancelled request does not abort the fetch for the others.
            if self.refresh(key_id).await.is_err() {
                tracing::error!("the fetch of the JWKS document panicked");
            }
            (decision, key) = self.decide(key_id);
        }
        match (decision, key) {
            (Decision::Use | Decision::UseAndRefresh, Some(key)) => Ok(key),
            (Decision::Unavailable { retry_after }, _) => Err(TokenError::KeysUnavailable { retry_after }),
            _ => Err(Refusal::UnknownKey.into()),
        }
    }

    /// Returns the key that has replaced `failed` under its id, if any. Fetches the document, unless a failed signature
    /// has just caused a fetch.
    pub(crate) async fn newer(
        self: &Arc<Self>,
        key_id: &str,
        failed: &Arc<VerifyingKey>,
    ) -> Option<Arc<VerifyingKey>> {
        if self.is_current(key_id, failed) && (self.may_recheck() || self.fetching.try_lock().is_err()) {
            let jwks = Arc::clone(self);
            let (key_id, failed) = (key_id.to_owned(), Arc::clone(failed));
            // A separate task, as in `key`.
            let fetched = tokio::spawn(async move {
                let _fetching = jwks.fetching.lock().await;
                if jwks.is_current(&key_id, &failed) && jwks.may_recheck() {
                    jwks.fetch(Cause::Signature).await;
                }
            });
            if fetched.await.is_err() {
                tracing::error!("the fetch of the JWKS document panicked");
            }
        }
        let current = self.state.load().keys.get(key_id).cloned();
        current.filter(|current| !Arc::ptr_eq(current, failed))
    }

    fn is_current(&self, key_id: &str, key: &Arc<VerifyingKey>) -> bool {
        let state = self.state.load();
        state
            .keys
            .get(key_id)
            .is_some_and(|current| Arc::ptr_eq(current, key))
    }

    fn may_recheck(&self) -> bool {
        let now = self.clock.now();
        let rechecked = self.state.load().rechecked_at;
        // If the time is in the future, the clock was set back; that must not block the fetch.
        rechecked.is_none_or(|time| time > now || now.since(time) >= INTERVAL)
    }

    /// Starts one fetch for all waiting requests: each holder of the lock checks again before it fetches.
    fn refresh(self: &Arc<Self>, key_id: &str) -> tokio::task::JoinHandle<()> {
        let jwks = Arc::clone(self);
        let key_id = key_id.to_owned();
        tokio::spawn(async move {
            let _fetching = jwks.fetching.lock().await;
            if matches!(jwks.decide(&key_id).0, Decision::Fetch | Decision::UseAndRefresh) {
                jwks.fetch(Cause::Age).await;
            }
        })
    }

    fn decide(&self, key_id: &str) -> (Decision, Option<Arc<VerifyingKey>>) {
        let state = self.state.load();
        let now = self.clock.now();
        // If a time is in the future, the clock was set back. Then keys are due and the fetch is allowed; otherwise
        // keys would be trusted until the clock has caught up.
        let age = |time: Timestamp| (time <= now).then(|| now.since(time));
        let fetched = state.fetched_at.map(|time| age(time).unwrap_or(FRESH));
        let attempted = state.attempted_at.and_then(age);
        let key = state.keys.get(key_id).cloned();
        let decision = decide(key.is_some(), fetched, attempted);
        (decision, key)
    }

    async fn fetch(&self, cause: Cause) {
        let before = self.state.load_full();
        let now = self.clock.now();
        let rechecked_at = match cause {
            Cause::Age => before.rechecked_at,
            Cause::Signature => Some(now),
        };
        // Recorded before the response arrives, so that a panicking fetch counts as well.
        self.state.store(Arc::new(State {
            keys: Arc::clone(&before.keys),
            fetched_at: before.fetched_at,
            attempted_at: Some(now),
            rechecked_at,
        }));
        match self.document().await.and_then(|document| parse(&document)) {
            Ok(mut keys) => {
                metrics::keys_fetched("fetched");
                keep_unchanged(&mut keys, &before.keys);
                self.state.store(Arc::new(State {
                    keys: Arc::new(keys),
                    fetched_at: Some(now),
                    attempted_at: Some(now),
                    rechecked_at,
                }));
            }
            Err(error) => {
                metrics::keys_fetched("failed");
                tracing::warn!(
                    url = %self.url,
                    %error,
                    "the JWKS document could not be fetched; known keys are used for up to an hour"
                );
            }
        }
    }

    async fn document(&self) -> Result<Vec<u8>, FetchError> {
        let response = self
            .client
            .get(self.url.clone())
            .send()
            .await
            .map_err(FetchError::Http)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        read_bounded(response, MAX_SIZE)
            .await
            .map_err(FetchError::Http)?
            .ok_or(FetchError::TooLarge)
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{}", causes(.0))]
    Http(reqwest::Error),
    #[error("the status is {0}")]
    Status(u16),
    #[error("the document is larger than {MAX_SIZE} bytes")]
    TooLarge,
    #[error("the document is not a JWKS")]
    NotJwks,
    #[error("the document has no RSA key for RS256")]
    NoUsableKey,
}

/// Parses the usable keys; one malformed key does not affect the others.
pub(crate) fn parse(document: &[u8]) -> Result<HashMap<String, Arc<VerifyingKey>>, FetchError> {
    let document: Value = serde_json::from_slice(document).map_err(|_| FetchError::NotJwks)?;
    let keys = document["keys"].as_array().ok_or(FetchError::NotJwks)?;
    let keys: HashMap<_, _> = keys
        .iter()
        .filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok())
        .filter_map(VerifyingKey::from_jwk)
        .filter_map(|key| Some((key.id()?.to_owned(), Arc::new(key))))
        .collect();
    if keys.is_empty() {
        return Err(FetchError::NoUsableKey);
    }
    Ok(keys)
}

/// Reuses the parsed keys that are still published, so that the tokens that they have verified stay cached.
fn keep_unchanged(
    keys: &mut HashMap<String, Arc<VerifyingKey>>,
    before: &HashMap<String, Arc<VerifyingKey>>,
) {
    for (key_id, key) in keys {
        match before.get(key_id) {
            Some(known) if known == key => *key = Arc::clone(known),
            Some(_) => tracing::info!(key_id, "a key of the Clerk instance was replaced under its id"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetch_decision_follows_the_table() {
        let seconds = Duration::from_secs;
        let unavailable = |after| Decision::Unavailable {
            retry_after: seconds(after),
        };
        for (known, fetched, attempted, expected) in [
            // No fetch yet.
            (false, None, None, Decision::Fetch),
            (false, None, Some(3), unavailable(7)),
            (false, None, Some(10), Decision::Fetch),
            // Known and fresh.
            (true, Some(0), Some(0), Decision::Use),
            (true, Some(299), Some(299), Decision::Use),
            // Known and due: no wait.
            (true, Some(300), Some(300), Decision::UseAndRefresh),
            (true, Some(400), Some(5), Decision::Use),
            (true, Some(3_599), Some(10), Decision::UseAndRefresh),
            // Known and too old.
            (true, Some(3_600), Some(3_600), Decision::Fetch),
            (true, Some(3_600), Some(4), unavailable(6)),
            // Unknown, with other keys known: one fetch per interval.
            (false, Some(20), Some(20), Decision::Fetch),
            (false, Some(2), Some(2), Decision::Unknown),
            (false, Some(400), Some(2), unavailable(8)),
        ] {
            let (fetched, attempted) = (fetched.map(seconds), attempted.map(seconds));
            assert_eq!(
                decide(known, fetched, attempted),
                expected,
                "{known} {fetched:?} {attempted:?}"
            );
        }
    }
}
