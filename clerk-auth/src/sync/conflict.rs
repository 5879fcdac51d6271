//! Whose a value is when a unique index of the team's own, on the e-mail address say, holds it for another row.
//!
//! Rows are never merged and never found by such a value. The older row does without it where its column can be null;
//! where ours is the older one, ours does.

use std::sync::Arc;

use super::error::SyncError;
use super::observation::Observation;
use super::store::{WriteError, Written};
use super::user_sync::Inner;
use crate::user::SyncedUser;

impl<U: SyncedUser> Inner<U> {
    /// Writes in spite of an index over `columns` that has refused it.
    pub(super) async fn write_taken(
        &self,
        observation: &Observation<'_, U>,
        columns: Vec<usize>,
    ) -> Result<Written<U>, SyncError> {
        let Observation {
            source,
            claims,
            version,
        } = observation;
        let (clerk_id, version) = (source.subject(), *version);
        for &column in &columns {
            for holder in self.store.holders(clerk_id, claims, column).await? {
                #[cfg(feature = "backend-api")]
                if self.fallback.is_some() {
                    self.refresh_holder(&holder).await?;
                    let written = self.store.write(clerk_id, claims, version).await;
                    if let Some(written) = self.written(written.map(Some))? {
                        return Ok(written);
                    }
                }
                let written = self
                    .store
                    .write_instead_of(&holder, column, clerk_id, claims, version)
                    .await;
                self.fresh.written(&holder);
                if let Some(written) = self.written(written)? {
                    tracing::warn!(
                        user = U::NAME,
                        column = self.column(column),
                        "a unique value went to the user whose row is newer; the older row is without it until its \
                         user's next change in Clerk"
                    );
                    self.announce(&holder).await;
                    return Ok(written);
                }
            }
        }
        for &column in &columns {
            let mut cleared = U::read_claims(*source)?;
            if !U::clear(&mut cleared, column) {
                continue;
            }
            let written = self.store.write(clerk_id, &cleared, version).await;
            if let Some(written) = self.written(written.map(Some))? {
                return Ok(written);
            }
        }
        Err(SyncError::Conflict(
            columns.into_iter().map(|column| self.column(column)).collect(),
        ))
    }

    /// `None` if the value is still taken.
    fn written(
        &self,
        written: Result<Option<Written<U>>, WriteError>,
    ) -> Result<Option<Written<U>>, SyncError> {
        match written {
            Ok(written) => Ok(written),
            Err(WriteError::Taken { .. }) => Ok(None),
            Err(WriteError::OnInsert(error)) => Err(SyncError::OnInsert(error)),
            Err(WriteError::Gone) => Err(SyncError::Gone),
            Err(WriteError::Database(error)) => Err(SyncError::Database(Arc::new(error))),
        }
    }

    fn column(&self, place: usize) -> &'static str {
        self.claim_columns.get(place).map_or("", |column| column.name)
    }
}
