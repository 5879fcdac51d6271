//! What it takes for a user to be deleted, and to stay so.

use sqlx::{ColumnIndex, Decode, Encode, Executor, IntoArguments, Row, Type};

use super::dialect::{Dialect, key};
use super::interface::{WriteError, Written};
use super::retry::forget_if_stale;
use super::sql_store::PoolStore;
use crate::deny_list::Denial;
use crate::id::UserId;
use crate::sync::error::SyncError;
use crate::sync::handle::Inner;
use crate::time::Timestamp;
use crate::user::{StoredIn, SyncedUser};

/// What deleting a user came to.
///
/// ```
/// use clerk_auth::id::UserId;
/// use clerk_auth::sync::{Deletion, SyncError};
/// use clerk_auth::{SyncedUser, UserSync};
///
/// async fn close_account<U: SyncedUser>(users: &UserSync<U>, user_id: &UserId) -> Result<(), SyncError> {
///     match users.delete(user_id).await? {
///         Deletion::Deleted => println!("{user_id} is deleted"),
///         Deletion::AlreadyDeleted => println!("{user_id} had been deleted before"),
///         other => println!("{user_id}: {other:?}"),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Deletion {
    /// There was a row, and the user is deleted now.
    Deleted,
    /// The user had been deleted before.
    AlreadyDeleted,
    /// There was no row. The user's tokens are refused all the same. With `tombstones` the deletion is remembered for ever,
    /// else for the [denial lifetime](crate::clerk::ClerkBuilder::denial_lifetime), which no token outlives.
    NoRow,
}

impl<U: SyncedUser> Inner<U> {
    /// Deletes a user here, in the database, and in every process.
    pub(crate) async fn delete(&self, clerk_id: &str) -> Result<Deletion, SyncError> {
        let now = self.clerk.now();
        let denial = self.barring.of_deleted(&UserId::new(clerk_id), now);
        // However it ends, and whether or not that is heard, no copy read before is good.
        let _writing = self.fresh.writing(clerk_id, now);
        let deletion = self.store.delete(clerk_id, &denial, now).await?;
        self.clerk.deny(denial);
        Ok(deletion)
    }

    /// What the token of a deleted user is answered with. Their row goes if a race has let it in.
    pub(crate) async fn gone(&self, clerk_id: &str) -> SyncError {
        if let Err(error) = self.store.purge(clerk_id).await {
            let error = SyncError::from(error);
            tracing::error!(user = U::NAME, %error, "a row that a deleted user has left behind is there still");
        }
        SyncError::Gone
    }
}

impl<DB, U> PoolStore<U, DB>
where
    DB: Dialect,
    U: StoredIn<DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
    for<'r> bool: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// The upsert does not see a deletion that is committed while it runs. So both look again once they are committed:
    /// the later one sees what the other has done.
    pub(super) async fn after_insertion(
        &self,
        clerk_id: &str,
        written: Written<U>,
    ) -> Result<Written<U>, WriteError> {
        if U::TOMBSTONES.is_none() || !DB::LOCKS_ROWS || !written.inserted {
            return Ok(written);
        }
        let select = || async {
            let mut connection = self.connections.acquire().await?;
            let stored = self.select(&mut connection, clerk_id).await;
            connection.end(stored).await
        };
        match self.repeated(select).await? {
            Some(stored) => Ok(Written { stored, ..written }),
            None => Err(WriteError::Gone),
        }
    }

    /// Whether a user is remembered as deleted although the row is gone.
    pub(super) async fn select_tombstone(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
    ) -> Result<bool, sqlx::Error> {
        let Some(tombstones) = U::TOMBSTONES else {
            return Ok(false);
        };
        let row = sqlx::query_with(tombstones.select, key::<DB>(clerk_id)?)
            .fetch_one(connection)
            .await?;
        row.try_get(0)
    }

    /// Deletes a user in a transaction that [`Dialect::BEGIN`] began. The hook runs with the row before it goes, once for
    /// each; who deletes the user at the same time waits. [`Store::purge`] is to be called once it is committed.
    pub(crate) async fn delete_in(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
    ) -> Result<Deletion, WriteError> {
        let mut nothing_done = Deletion::NoRow;
        if U::TOMBSTONES.is_some() && execute_for::<DB>(connection, U::TOMBSTONE, clerk_id).await? == 0 {
            nothing_done = Deletion::AlreadyDeleted;
        }
        let Some(stored) = self.select_and_lock(connection, clerk_id).await? else {
            return Ok(nothing_done);
        };
        if U::TOMBSTONES.is_none() && stored.deleted {
            return Ok(Deletion::AlreadyDeleted);
        }
        if let Some(on_delete) = &self.on_delete {
            on_delete(connection, &stored.user)
                .await
                .map_err(WriteError::OnDelete)?;
        }
        let delete = U::TOMBSTONES.map_or(U::TOMBSTONE, |it| it.delete);
        execute_for::<DB>(connection, delete, clerk_id).await?;
        if Self::ANNOUNCES {
            DB::announce(connection, &self.announcement_of(clerk_id)).await?;
        }
        Ok(Deletion::Deleted)
    }

    /// The denial is written last, so that it is committed a moment after the time that it bears.
    pub(super) async fn delete_and_commit(
        &self,
        clerk_id: &str,
        denial: Option<(&Denial, Timestamp)>,
    ) -> Result<Deletion, WriteError> {
        let mut transaction = self.connections.begin().await?;
        let deletion = self.delete_and_deny(&mut transaction, clerk_id, denial).await;
        let deletion = forget_if_stale::<DB, _, _>(&mut transaction, deletion).await?;
        transaction.commit().await?;
        Ok(deletion)
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

/// Runs a statement whose one parameter is a Clerk user id; how many rows it changed.
async fn execute_for<DB>(
    connection: &mut DB::Connection,
    sql: &'static str,
    clerk_id: &str,
) -> Result<u64, sqlx::Error>
where
    DB: Dialect,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
{
    let done = sqlx::query_with(sql, key::<DB>(clerk_id)?)
        .execute(connection)
        .await?;
    Ok(DB::rows_affected(&done))
}
