//! Proves that a secret key belongs to the instance whose users the table holds, before any of its answers is used.
//!
//! With the key of another instance, every user would look unknown, and strangers would get rows. The proof is a public
//! key: the Backend API must return, for the secret key, a key that verifies this instance's session tokens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

use super::budget::ApiBudget;
use crate::backend_api::BackendApi;
use crate::clerk::Clerk;
use crate::time::Timestamp;

/// The time for which a key of another instance is not checked again, because an operator has to change the
/// configuration.
const REFUTED_FOR: Duration = Duration::from_secs(5 * 60);

/// The pause before a retry if Clerk, or the JWKS document, could not be read.
const FAILED_FOR: Duration = Duration::from_secs(10);

/// The proof of one secret key. A success holds for as long as the handle lives: a secret key never changes its instance.
#[derive(Default)]
pub(crate) struct InstanceProof {
    state: Mutex<State>,
    proving: AsyncMutex<()>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Untried,
    Proven,
    /// The key is of another instance, as found at this time.
    Refuted(Timestamp),
    /// The proof failed without a result at this time.
    Failed(Timestamp),
}

impl State {
    /// Returns whether the key is trusted; `None` if a proof is due.
    fn answer(self, now: Timestamp) -> Option<bool> {
        // A clock that was set back makes a proof due.
        let is_within = |at, limit| now >= at && now.since(at) < limit;
        match self {
            Self::Proven => Some(true),
            Self::Refuted(at) if is_within(at, REFUTED_FOR) => Some(false),
            Self::Failed(at) if is_within(at, FAILED_FOR) => Some(false),
            Self::Untried | Self::Refuted(_) | Self::Failed(_) => None,
        }
    }
}

impl InstanceProof {
    /// Returns whether the answers of `api` concern the users of `clerk`'s instance. Concurrent callers share one
    /// proof.
    pub(crate) async fn holds(
        self: &Arc<Self>,
        clerk: &Clerk,
        api: &BackendApi,
        budget: &Arc<ApiBudget>,
    ) -> bool {
        if let Some(answer) = self.state().answer(clerk.now()) {
            return answer;
        }
        let (proof, clerk, api) = (Arc::clone(self), clerk.clone(), api.clone());
        let budget = Arc::clone(budget);
        // A separate task, so that a cancelled request does not abort the proof for the others.
        let proving = tokio::spawn(async move {
            let _proving = proof.proving.lock().await;
            if let Some(answer) = proof.state().answer(clerk.now()) {
                return answer;
            }
            if !budget.take(clerk.now()) {
                return false;
            }
            let state = prove(&clerk, &api).await;
            *proof.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
            state == State::Proven
        });
        // The task does not panic; a runtime that shuts down may end it.
        proving.await.unwrap_or(false)
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn prove(clerk: &Clerk, api: &BackendApi) -> State {
    let jwks = match api.jwks().await {
        Ok(jwks) => jwks,
        Err(error) => {
            tracing::warn!(%error, "the instance of the secret key could not be read; its answers are not used until it is");
            return State::Failed(clerk.now());
        }
    };
    // A document without keys is not a proof.
    if jwks["keys"].as_array().is_none_or(Vec::is_empty) {
        tracing::warn!(
            "the JWKS document of the secret key has no keys; its answers are not used until it has"
        );
        return State::Failed(clerk.now());
    }
    match clerk.accepts_keys_of(&jwks).await {
        Ok(true) => State::Proven,
        Ok(false) => {
            tracing::error!(
                issuer = clerk.issuer(),
                "the secret key is of another Clerk instance than the session tokens; its answers are not used. Set the \
                 secret key of this instance"
            );
            State::Refuted(clerk.now())
        }
        Err(error) => {
            tracing::warn!(%error, "the instance of the secret key could not be compared; its answers are not used until it is");
            State::Failed(clerk.now())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_is_remembered_for_its_time_and_a_success_for_ever() {
        let at = Timestamp::from_secs(1_000);
        for (state, seconds, expected) in [
            (State::Untried, 1_000, None),
            (State::Proven, 0, Some(true)),
            (State::Proven, 1_000_000_000, Some(true)),
            (State::Refuted(at), 1_000, Some(false)),
            (State::Refuted(at), 1_299, Some(false)),
            (State::Refuted(at), 1_300, None),
            (State::Refuted(at), 999, None),
            (State::Failed(at), 1_009, Some(false)),
            (State::Failed(at), 1_010, None),
            (State::Failed(at), 999, None),
        ] {
            let answer = state.answer(Timestamp::from_secs(seconds));
            assert_eq!(answer, expected, "{state:?} {seconds}");
        }
    }
}
