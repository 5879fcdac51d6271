//! Deletes users permanently.

use super::dialect::Dialect;
use super::error::WriteError;
use super::hooks::run_hook;
use super::sql_store::{SqlStore, with_version};
use super::write_permits::WritePermit;
use crate::deny_list::Denial;
use crate::row::StoredIn;
use crate::sync::model::outcome::{Applied, Deletion};
use crate::sync::model::row::Upserted;
use crate::sync::model::version::Version;
use crate::time::Timestamp;

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Returns the row after the commit of its write, including changes of deferred triggers.
    ///
    /// After an insertion, checks for a concurrent deletion. The upsert does not see a deletion that is committed while
    /// it runs. So insertion and deletion both check after their commit, and the later one sees the other's result.
    pub(super) async fn after_commit(
        &self,
        clerk_id: &str,
        written: Upserted<U>,
    ) -> Result<Upserted<U>, WriteError> {
        let may_be_deleted =
            U::TOMBSTONES.is_some() && DB::LOCKS_ROWS && (written.inserted || written.linked);
        if !may_be_deleted && !self.after_triggers.are_deferrable {
            return Ok(written);
        }
        match self.read_row(clerk_id).await? {
            Some(stored) => Ok(Upserted { stored, ..written }),
            None if may_be_deleted => Err(WriteError::UserDeleted),
            None => Ok(written),
        }
    }

    /// Returns whether a user is recorded as deleted although the row was removed.
    pub(super) async fn select_tombstone(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
    ) -> Result<bool, sqlx::Error> {
        let Some(tombstones) = U::TOMBSTONES else {
            return Ok(false);
        };
        let row = DB::fetch_optional(connection, tombstones.select, DB::key(clerk_id)?).await?;
        DB::boolean(&row.ok_or(sqlx::Error::RowNotFound)?, 0)
    }

    /// Deletes a user in a transaction that [`Dialect::BEGIN`] began. The hook runs once, with the row before its
    /// removal; a concurrent deletion of the user waits. Call [`delete_leftover`](Self::delete_leftover) after the
    /// commit.
    pub(crate) async fn delete_in(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
    ) -> Result<Deletion, WriteError> {
        let mut nothing_done = Deletion::NoRow;
        if U::TOMBSTONES.is_some() && DB::execute(connection, U::TOMBSTONE, DB::key(clerk_id)?).await? == 0 {
            nothing_done = Deletion::AlreadyDeleted;
        }
        let Some(stored) = self.select_and_lock(connection, clerk_id).await? else {
            return Ok(nothing_done);
        };
        if U::TOMBSTONES.is_none() && stored.deleted {
            return Ok(Deletion::AlreadyDeleted);
        }
        if let Some(on_delete) = &self.on_delete {
            let user = &stored.user;
            run_hook::<DB, U>(connection, WriteError::OnDelete, &**on_delete, user).await?;
        }
        let delete = U::TOMBSTONES.map_or(U::TOMBSTONE, |it| it.delete);
        DB::execute(connection, delete, DB::key(clerk_id)?).await?;
        if Self::ANNOUNCES {
            DB::announce(connection, &self.announcement_of(clerk_id)).await?;
        }
        Ok(Deletion::Deleted)
    }

    /// Ends the membership of a row in a transaction that [`Dialect::BEGIN`] began, with the hook. Returns `None`
    /// without a row. If the membership had already ended, raises the version, so that a return before this end has no
    /// effect.
    pub(super) async fn end_row_in(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        version: Version,
    ) -> Result<Option<Applied>, WriteError> {
        let Some(stored) = self.select_and_lock(connection, clerk_id).await? else {
            return Ok(None);
        };
        if stored.version > version {
            return Ok(Some(Applied::Stale));
        }
        DB::execute(
            connection,
            U::RAISE_VERSION,
            with_version::<DB>(clerk_id, version)?,
        )
        .await?;
        if stored.deleted {
            return Ok(Some(Applied::UserDeleted));
        }
        self.delete_in(connection, clerk_id).await?;
        Ok(Some(Applied::Deleted))
    }

    /// Ends a membership by its key alone.
    pub(super) async fn end_and_commit(
        &self,
        clerk_id: &str,
        version: Version,
        permit: WritePermit,
    ) -> Result<Deletion, WriteError> {
        let mut transaction = self.connections.begin_to_write(permit).await?;
        let ended = self.end_row_in(&mut transaction, clerk_id, version).await;
        Ok(match transaction.end(ended, WriteError::from).await? {
            Some(Applied::Deleted) => Deletion::Deleted,
            Some(_) => Deletion::AlreadyDeleted,
            None => Deletion::NoRow,
        })
    }

    /// Deletes the row of a user who has a tombstone, if a concurrent request has inserted one.
    pub(super) async fn delete_leftover(&self, clerk_id: &str) -> Result<bool, WriteError> {
        let has_row = match U::TOMBSTONES {
            Some(_) => self
                .read_row(clerk_id)
                .await?
                .is_some_and(|stored| stored.deleted),
            None => false,
        };
        if !has_row {
            return Ok(false);
        }
        let delete = |permit| self.delete_and_commit(clerk_id, None, permit);
        Ok(self.tried(clerk_id, delete).await? == Deletion::Deleted)
    }

    /// Deletes a user and commits. The denial is written last, so that its commit follows soon after its recorded time.
    pub(super) async fn delete_and_commit(
        &self,
        clerk_id: &str,
        denial: Option<(&Denial, Timestamp)>,
        permit: WritePermit,
    ) -> Result<Deletion, WriteError> {
        let mut transaction = self.connections.begin_to_write(permit).await?;
        let deletion = self.delete_and_deny(&mut transaction, clerk_id, denial).await;
        transaction.end(deletion, WriteError::from).await
    }

    async fn delete_and_deny(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        denial: Option<(&Denial, Timestamp)>,
    ) -> Result<Deletion, WriteError> {
        let deletion = self.delete_in(connection, clerk_id).await?;
        if let Some((denial, now)) = denial {
            self.record_denial_on(connection, denial, now).await?;
        }
        Ok(deletion)
    }
}
