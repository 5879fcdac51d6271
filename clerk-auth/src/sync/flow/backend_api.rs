//! Queries Clerk's Backend API for what a token does not tell: its claims are absent, or another row holds a unique value.
//!
//! An answer is used only after the secret key was shown to be of this instance ([`InstanceProof`]), and only to bring a row
//! up to date. Clerk's "there is no such user" refuses the request that asked and deletes nothing: a replica of Clerk's may
//! be behind, and a deletion is final. Questions are bounded ([`Questions`]).

use std::sync::Arc;

use super::delete;
use super::reconcile;
use crate::claim::UnreadableClaims;
use crate::session::Session;
use crate::sync::backend::budget::Answer;
use crate::sync::backend::lookup::Said;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::local::read_batches::Counted;
use crate::sync::local::row_cache::Reading;
use crate::sync::model::observation::{Observation, UserObject};
use crate::sync::model::outcome::{SyncOutcome, Synced};
use crate::sync::store::interface::Looked;
use crate::time::Timestamp;
use crate::user::SyncedUser;

/// The row of a user whose token has none of the claims.
pub(crate) async fn without_claims<U: SyncedUser>(
    engine: &Arc<Engine<U>>,
    session: &Session,
    claims: UnreadableClaims,
    now: Timestamp,
) -> Result<Synced<Arc<U>>, SyncError> {
    let Some(fallback) = &engine.fallback else {
        return Err(claims.into());
    };
    let clerk_id = session.sub();
    loop {
        let ended = fallback.turns.ended(clerk_id);
        match fallback.questions.answer(session, now) {
            Some(Answer::Unknown) => return Err(claims.into()),
            Some(Answer::User | Answer::Silence) => {
                return engine
                    .ask(|counted| engine.as_known(session, claims, counted))
                    .await;
            }
            None => {}
        }
        let Some(_turn) = fallback.turns.turn(clerk_id, ended) else {
            fallback.turns.others(clerk_id).await;
            continue;
        };
        let mut question = fallback.questions.begin(clerk_id, Some(session), now);
        let said = fallback.user::<U>(&engine.clerk, clerk_id, engine.timeout).await;
        let user = match &said {
            Said::User(user) => UserObject::of::<U>(user),
            Said::Unknown => {
                question.answer = Answer::Unknown;
                return Err(claims.into());
            }
            Said::Nothing => None,
        };
        let Some(user) = user else {
            return engine
                .ask(|counted| engine.as_known(session, claims, counted))
                .await;
        };
        let observation: Observation<'_, U> = user.observe()?;
        let settled = engine
            .ask(|counted| reconcile::settle(engine, &observation, None, counted))
            .await;
        if settled.is_ok() {
            question.answer = Answer::User;
        }
        return settled;
    }
}

impl<U: SyncedUser> Engine<U> {
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
            Looked::Row(stored) if stored.deleted => Err(delete::gone(self, clerk_id).await),
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
}
