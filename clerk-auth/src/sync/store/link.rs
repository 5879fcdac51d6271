//! Links an existing row to a user, by the key in the struct's `link`.
//!
//! While another row has the user's key, the insert statements insert nothing. Then one `UPDATE` writes the Clerk user
//! id and the claims into that row. The update is atomic and requires a row without a Clerk user id, so only one user
//! gets the row.

use super::dialect::Dialect;
use super::error::{WriteError, unique_violation};
use super::sql_store::SqlStore;
use crate::claim::{Claim, ClaimProblem, InvalidClaim, UnreadableClaims};
use crate::row::{BoundKey, Link, StoredIn};
use crate::sync::model::observation::Observation;
use crate::sync::model::row::{KeyHolder, Upserted};

/// The maximum number of attempts. An attempt only fails in a race with a transaction that links, inserts or removes
/// the row.
const MAX_ATTEMPTS: usize = 4;

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Adds the key to the parameters, if the struct has one.
    pub(super) fn bind_key(
        observation: &Observation<'_, U>,
        arguments: &mut DB::Arguments,
    ) -> Result<BoundKey, sqlx::Error> {
        let Some(link) = U::LINK else {
            return Ok(BoundKey::None);
        };
        let key = U::bind_link(&observation.claims, arguments).map_err(sqlx::Error::Encode)?;
        Ok(match (key, observation.source.claim(link.claim)) {
            (BoundKey::Key, Claim::Null) => BoundKey::None,
            (key, _) => key,
        })
    }

    /// Returns the row with the user's key.
    pub(super) async fn select_key_holder(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<KeyHolder, sqlx::Error> {
        let mut arguments = DB::Arguments::default();
        let key = Self::bind_key(observation, &mut arguments)?;
        let (Link { holder, claim, .. }, key) = match U::LINK {
            Some(link) => (link, key),
            None => return Ok(KeyHolder::None),
        };
        match key {
            BoundKey::Key => {}
            BoundKey::None => return Ok(KeyHolder::None),
            BoundKey::Invalid(problem) => {
                let problem = ClaimProblem::Invalid(problem);
                return Ok(KeyHolder::Invalid(UnreadableClaims::one(claim, problem)));
            }
        }
        let row = DB::fetch_optional(connection, holder, arguments).await?;
        let Some(row) = row else {
            return Ok(KeyHolder::None);
        };
        Ok(match DB::optional_text(&row, 0)? {
            Some(user_id) => KeyHolder::User(user_id),
            None if DB::boolean(&row, 1)? => KeyHolder::Deleted,
            None => KeyHolder::Unlinked,
        })
    }

    /// Refuses a user whose key the column cannot hold, unless the user has a row.
    pub(super) async fn refuse_key(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
        problem: InvalidClaim,
    ) -> Result<(), WriteError> {
        let stored = self.select(connection, observation.clerk_id()).await?;
        match (stored, U::LINK) {
            (None, Some(link)) => Err(WriteError::InvalidKey(UnreadableClaims::one(
                link.claim,
                ClaimProblem::Invalid(problem),
            ))),
            _ => Ok(()),
        }
    }

    /// Links the row with the user's key, because of which the upsert has inserted nothing.
    pub(super) async fn link_or_upsert(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(linked) = self.link(connection, observation).await? {
                return Ok(linked);
            }
            // The user has a row by now, or the row with the key was removed.
            let (arguments, _) = Self::bound(observation)?;
            if let Some(written) = self
                .upsert_row(connection, observation.clerk_id(), arguments)
                .await?
            {
                return Ok(written);
            }
        }
        // A trigger has skipped the row.
        Err(sqlx::Error::RowNotFound.into())
    }

    /// Links the row with the user's key. Returns `None` if no row has the key, or the user has a row.
    pub(super) async fn link(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Option<Upserted<U>>, WriteError> {
        let Some(Link { update, .. }) = U::LINK else {
            return Ok(None);
        };
        let clerk_id = observation.clerk_id();
        let (arguments, _) = Self::bound(observation)?;
        let rows = DB::fetch_all(&mut *connection, update, arguments)
            .await
            .map_err(unique_violation)?;
        if let Some(row) = rows.first() {
            let written = super::bookkeeping::written::<DB, U>(row, false)?;
            let written = self.after_triggers(connection, clerk_id, written).await?;
            return Ok(Some(Upserted {
                linked: true,
                ..written
            }));
        }
        if self.select(connection, clerk_id).await?.is_some() {
            return Ok(None);
        }
        match self.select_key_holder(connection, observation).await? {
            KeyHolder::User(holder) if holder != clerk_id => Err(WriteError::LinkConflict(Some(holder))),
            KeyHolder::Deleted => Err(WriteError::LinkConflict(None)),
            _ => Ok(None),
        }
    }
}
