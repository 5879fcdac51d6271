//! Asks Clerk's Backend API where a token does not tell: its claims are absent, or another row holds a unique value.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use super::error::SyncError;
use super::fresh::Reading;
use super::observation::{Observation, UserObject};
use super::plan::SyncOutcome;
use super::reads::Counted;
use super::store::{Looked, WriteError};
use super::user_sync::{Inner, Synced};
use super::writers::Writers;
use crate::backend_api::BackendApi;
use crate::claim::UnreadableClaims;
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::session::Session;
use crate::time::Timestamp;
use crate::user::SyncedUser;

/// Half of what Clerk allows a development instance (its documentation, "Rate limits"): 100 requests in ten seconds.
const MOST_QUESTIONS: u32 = 50;

/// The time over which they are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// How many users are remembered as asked for.
const MOST_ASKED: usize = 10_000;

/// The Backend API, asked seldom.
pub(super) struct Fallback {
    api: BackendApi,
    /// For which session a user was last asked for. A session's token lives a minute, so a user is asked for once in one.
    asked: Cache<Box<str>, Session>,
    turns: Writers,
    questions: Mutex<(Timestamp, u32)>,
}

impl Fallback {
    pub(super) fn new(api: BackendApi) -> Self {
        Self {
            api,
            asked: Cache::new(MOST_ASKED),
            turns: Writers::default(),
            questions: Mutex::new((Timestamp::from_milliseconds(i64::MIN), 0)),
        }
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = *questions;
        let is_over = now < began || now.since(began) >= WINDOW;
        let (began, count) = if is_over { (now, 0) } else { (began, count) };
        if count >= MOST_QUESTIONS {
            return false;
        }
        *questions = (began, count + 1);
        true
    }

    /// The user, if there is one still; `None` if Clerk does not say in time. How long Clerk takes is no fault of the
    /// database's, and is not counted as one.
    async fn user<U: SyncedUser>(&self, clerk_id: &str, timeout: Duration) -> Option<Option<LenientValue>> {
        let user_id = UserId::new(clerk_id);
        let said = tokio::time::timeout(timeout, self.api.user(&user_id)).await;
        match said {
            Ok(Ok(user)) => return Some(user),
            Ok(Err(error)) => tracing::warn!(user = U::NAME, %error, "Clerk could not be asked about a user"),
            Err(_) => tracing::warn!(user = U::NAME, "Clerk did not answer about a user in {timeout:?}"),
        }
        None
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
        let clerk_id = session.user_id().as_str();
        loop {
            let ended = fallback.turns.ended(clerk_id);
            if fallback
                .asked
                .get(clerk_id)
                .is_some_and(|asked| asked.is(session))
            {
                return self.ask(|counted| self.as_known(session, claims, counted)).await;
            }
            let Some(_turn) = fallback.turns.turn(clerk_id, ended) else {
                fallback.turns.others(clerk_id).await;
                continue;
            };
            if !fallback.may_ask(now) {
                return self.ask(|counted| self.as_known(session, claims, counted)).await;
            }
            let asked = self.ask_clerk(fallback, clerk_id).await;
            // Whom Clerk does not know is refused, and not served from the row that the application's hook kept.
            if !matches!(asked, Err(SyncError::OnDelete(_))) {
                fallback.asked.insert(clerk_id.into(), session.clone());
            }
            return match asked {
                Ok(Some(synced)) => Ok(synced),
                // Clerk did not say.
                Ok(None) => self.ask(|counted| self.as_known(session, claims, counted)).await,
                Err(error) => Err(error),
            };
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

    /// Makes the row what Clerk says; `None` if Clerk does not say.
    async fn ask_clerk(
        self: &Arc<Self>,
        fallback: &Fallback,
        clerk_id: &str,
    ) -> Result<Option<Synced<Arc<U>>>, SyncError> {
        match fallback.user::<U>(clerk_id, self.timeout).await {
            Some(None) => {
                self.ask(|_| self.delete(clerk_id)).await?;
                Err(SyncError::Gone)
            }
            Some(Some(user)) => {
                let Some(user) = UserObject::of::<U>(&user) else {
                    return Ok(None);
                };
                let observation: Observation<'_, U> = user.observe()?;
                let settled = self.ask(|counted| self.settle(&observation, None, counted));
                settled.await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Brings the row that holds another's value up to date. Whether that frees the value is for the write to find out.
    pub(super) async fn refresh_holder(&self, clerk_id: &str) -> Result<(), SyncError> {
        let Some(fallback) = &self.fallback else {
            return Ok(());
        };
        if !fallback.may_ask(self.clerk.now()) {
            return Ok(());
        }
        // The time of the request that waits for it is the database's too.
        match fallback.user::<U>(clerk_id, self.timeout / 2).await {
            Some(None) => self.delete(clerk_id).await.map(drop),
            Some(Some(user)) => {
                let Some(user) = UserObject::of::<U>(&user) else {
                    return Ok(());
                };
                let observation: Observation<'_, U> = user.observe()?;
                let written = self
                    .store
                    .write(clerk_id, &observation.claims, observation.version)
                    .await;
                self.fresh.written(clerk_id);
                match written {
                    Ok(_) | Err(WriteError::Taken(_)) => Ok(()),
                    // Its row is one that a race has let in.
                    Err(WriteError::Gone) => self.delete(clerk_id).await.map(drop),
                    Err(error) => Err(error.into()),
                }
            }
            None => Ok(()),
        }
    }
}
