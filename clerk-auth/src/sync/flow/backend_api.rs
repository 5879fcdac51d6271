//! Queries Clerk's Backend API for what a token does not tell: its claims are absent, or another row holds a unique value.
//!
//! An answer is used only after the secret key was shown to be of this instance ([`InstanceProof`]), and only to bring a row
//! up to date. Clerk's "there is no such user" refuses the request that asked and deletes nothing: a replica of Clerk's may
//! be behind, and a deletion is final. Questions are bounded ([`Questions`]).

use std::sync::Arc;
use std::time::Duration;

use crate::backend_api::BackendApi;
use crate::claim::UnreadableClaims;
use crate::clerk::Clerk;
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::session::Session;
use crate::sync::backend::budget::{Answer, Questions};
use crate::sync::backend::instance_proof::InstanceProof;
use crate::sync::error::SyncError;
use crate::sync::handle::{Inner, Synced};
use crate::sync::local::read_batches::Counted;
use crate::sync::local::row_cache::Reading;
use crate::sync::local::write_locks::Writers;
use crate::sync::model::observation::{Observation, UserObject};
use crate::sync::model::plan::SyncOutcome;
use crate::sync::store::interface::{Looked, WriteError};
use crate::time::Timestamp;
use crate::user::SyncedUser;

/// The Backend API, asked seldom.
pub(crate) struct Fallback {
    api: BackendApi,
    proof: Arc<InstanceProof>,
    questions: Arc<Questions>,
    turns: Writers,
}

/// What Clerk says of a user.
enum Said {
    User(LenientValue),
    Unknown,
    Nothing,
}

impl Fallback {
    pub(crate) fn new(api: BackendApi) -> Self {
        Self {
            api,
            proof: Arc::default(),
            questions: Arc::default(),
            turns: Writers::default(),
        }
    }

    /// What Clerk says within the timeout. How long Clerk takes is no fault of the database's, and is not counted as one.
    async fn user<U: SyncedUser>(&self, clerk: &Clerk, clerk_id: &str, timeout: Duration) -> Said {
        let user_id = UserId::new(clerk_id);
        let asked = async {
            let is_believed = self.proof.holds(clerk, &self.api, &self.questions).await;
            if !is_believed || !self.questions.may_ask(clerk.now()) {
                return None;
            }
            Some(self.api.user(&user_id).await)
        };
        match tokio::time::timeout(timeout, asked).await {
            // Not asked: the key is not proven, or there were too many questions.
            Ok(None) => {}
            Ok(Some(Ok(Some(user)))) => return Said::User(user),
            Ok(Some(Ok(None))) => {
                tracing::warn!(
                    user = U::NAME,
                    user_id = clerk_id,
                    "Clerk's Backend API knows no such user; the row, if there is one, stays until Clerk reports a deletion"
                );
                return Said::Unknown;
            }
            Ok(Some(Err(error))) => {
                tracing::warn!(user = U::NAME, user_id = clerk_id, %error, "Clerk could not be asked about a user");
            }
            Err(_) => {
                tracing::warn!(
                    user = U::NAME,
                    user_id = clerk_id,
                    "Clerk did not answer about a user in {timeout:?}"
                );
            }
        }
        Said::Nothing
    }
}

impl<U: SyncedUser> Inner<U> {
    /// The row of a user whose token has none of the claims.
    pub(super) async fn without_claims(
        self: &Arc<Self>,
        session: &Session,
        claims: UnreadableClaims,
        now: Timestamp,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let Some(fallback) = &self.fallback else {
            return Err(claims.into());
        };
        let clerk_id = session.sub();
        loop {
            let ended = fallback.turns.ended(clerk_id);
            match fallback.questions.answer(session, now) {
                Some(Answer::Unknown) => return Err(claims.into()),
                Some(Answer::User | Answer::Silence) => {
                    return self.ask(|counted| self.as_known(session, claims, counted)).await;
                }
                None => {}
            }
            let Some(_turn) = fallback.turns.turn(clerk_id, ended) else {
                fallback.turns.others(clerk_id).await;
                continue;
            };
            let mut question = fallback.questions.begin(clerk_id, Some(session), now);
            let said = fallback.user::<U>(&self.clerk, clerk_id, self.timeout).await;
            let user = match &said {
                Said::User(user) => UserObject::of::<U>(user),
                Said::Unknown => {
                    question.answer = Answer::Unknown;
                    return Err(claims.into());
                }
                Said::Nothing => None,
            };
            let Some(user) = user else {
                return self.ask(|counted| self.as_known(session, claims, counted)).await;
            };
            let observation: Observation<'_, U> = user.observe()?;
            let settled = self.ask(|counted| self.settle(&observation, None, counted)).await;
            if settled.is_ok() {
                question.answer = Answer::User;
            }
            return settled;
        }
    }

    /// The row as it is; without one there is nothing to go by.
    async fn as_known(
        &self,
        session: &Session,
        claims: UnreadableClaims,
        counted: Counted,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = session.user_id().as_str();
        let reading: Reading = self.fresh.reading(clerk_id, self.clerk.now());
        let looked = self.reads.look(clerk_id, &counted).await;
        match looked.map_err(SyncError::Database)? {
            Looked::Row(stored) if stored.deleted => Err(self.gone(clerk_id).await),
            Looked::Row(stored) => {
                Ok(self.serve(Some(session), stored, Some(reading), SyncOutcome::Unchanged))
            }
            Looked::Nothing(place) => {
                drop(place);
                match self.store.has_tombstone(clerk_id).await? {
                    true => Err(SyncError::Gone),
                    false => Err(claims.into()),
                }
            }
        }
    }

    /// Brings the row that holds another's value up to date. Returns whether it was written; whether that frees the value
    /// is for the write to find out.
    pub(super) async fn refresh_holder(&self, clerk_id: &str) -> Result<bool, SyncError> {
        let Some(fallback) = &self.fallback else {
            return Ok(false);
        };
        let now = self.clerk.now();
        if !fallback.questions.is_holder_due(clerk_id, now) {
            return Ok(false);
        }
        // The time of the request that waits for it is the database's too.
        let mut question = fallback.questions.begin(clerk_id, None, now);
        let said = fallback.user::<U>(&self.clerk, clerk_id, self.timeout / 2).await;
        let user = match said {
            Said::User(user) => user,
            Said::Unknown => {
                question.answer = Answer::Unknown;
                return Ok(false);
            }
            Said::Nothing => return Ok(false),
        };
        // What the struct cannot hold of another user is not for this request to report.
        let user = UserObject::of::<U>(&user);
        let Some(Ok(observation)) = user.as_ref().map(UserObject::observe::<U>) else {
            return Ok(false);
        };
        let written = self
            .store
            .write(clerk_id, &observation.claims, observation.version)
            .await;
        self.fresh.written(clerk_id);
        match written {
            Ok(_) => {
                question.answer = Answer::User;
                Ok(true)
            }
            Err(WriteError::Taken(_)) => Ok(false),
            // A tombstone says that a signed event has deleted the user. Their row is one that a race has let in.
            Err(WriteError::Gone) => {
                self.gone(clerk_id).await;
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }
}
