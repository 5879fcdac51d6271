//! Looks up users at Clerk's Backend API if a token lacks claims, or another row holds a unique value.
//!
//! An answer is used only after the secret key is proven to belong to this instance ([`InstanceProof`]). The answer can
//! only update a row. If Clerk has no such user, the request is refused, but nothing is deleted. A replica of Clerk may
//! be behind, and a deletion is final. The lookups are bounded ([`ApiBudget`]).

use std::sync::Arc;

use super::{delete, reconcile};
use crate::claim::UnreadableClaims;
use crate::row::SyncedRow;
use crate::session::Session;
use crate::sync::backend::budget::Answer;
use crate::sync::backend::lookup::LookedUp;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::local::read_batches::CountsAsFailure;
use crate::sync::local::row_cache::ReadStamp;
use crate::sync::model::observation::{ClerkObject, Observation};
use crate::sync::model::outcome::{SyncOutcome, Synced};
use crate::sync::store::interface::Lookup;
use crate::time::Timestamp;

/// Returns the row of a user whose token has none of the claims.
pub(crate) async fn without_claims<U: SyncedRow>(
    engine: &Arc<Engine<U>>,
    session: &Session,
    claims: UnreadableClaims,
    now: Timestamp,
) -> Result<Synced<Arc<U>>, SyncError> {
    let Some(lookup) = &engine.lookup else {
        return Err(claims.into());
    };
    let clerk_id = session.sub();
    loop {
        let ended = lookup.locks.generation(clerk_id);
        match lookup.budget.answer(session, now) {
            Some(Answer::Unknown) => return Err(claims.into()),
            Some(Answer::User | Answer::Silence) => {
                return engine
                    .ask(|counted| engine.serve_existing(session, claims, counted))
                    .await;
            }
            None => {}
        }
        let Some(_turn) = lookup.locks.try_lock(clerk_id, ended) else {
            lookup.locks.wait(clerk_id).await;
            continue;
        };
        let mut request = lookup.budget.begin(clerk_id, Some(session), now);
        let looked_up = lookup.user::<U>(&engine.clerk, clerk_id, engine.timeout).await;
        let user = match &looked_up {
            LookedUp::User(user) => ClerkObject::new::<U>(user.node()),
            LookedUp::Unknown => {
                request.answer = Answer::Unknown;
                return Err(claims.into());
            }
            LookedUp::Failed => None,
        };
        let Some(user) = user else {
            return engine
                .ask(|counted| engine.serve_existing(session, claims, counted))
                .await;
        };
        let observation: Observation<'_, U> = user.observe()?;
        let settled = engine
            .ask(|counted| reconcile::reconcile(engine, &observation, None, counted))
            .await;
        if settled.is_ok() {
            request.answer = Answer::User;
        }
        return settled;
    }
}

impl<U: SyncedRow> Engine<U> {
    /// Returns the existing row, or refuses the request.
    async fn serve_existing(
        &self,
        session: &Session,
        claims: UnreadableClaims,
        counted: CountsAsFailure,
    ) -> Result<Synced<Arc<U>>, SyncError> {
        let clerk_id = session.user_id().as_str();
        let reading: ReadStamp = self.row_cache.stamp(clerk_id, self.clerk.now());
        let looked = self.reads.find(clerk_id, &counted).await;
        match looked.map_err(SyncError::Database)? {
            Lookup::Found(stored) if stored.deleted => Err(delete::deleted(self, clerk_id).await),
            Lookup::Found(stored) => Ok(self.serve(
                Some(session),
                clerk_id,
                stored,
                Some(reading),
                SyncOutcome::Unchanged,
            )),
            Lookup::Missing(place) => {
                drop(place);
                match self.store.has_tombstone(clerk_id).await? {
                    true => Err(SyncError::UserDeleted),
                    false => Err(claims.into()),
                }
            }
        }
    }
}
