//! Writes one row: the upsert and what goes with it, or the insertion of a row that there was not a moment ago.

use sqlx::{ColumnIndex, Decode, Encode, Executor, IntoArguments, Transaction, Type};

use super::dialect::{Dialect, written};
use super::store::{PoolStore, WriteError, Written};
use super::version::Version;
use crate::user::{StoredIn, SyncedUser};

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
    /// The upsert, and the application's hook if it inserted.
    pub(super) async fn upsert_with_hook(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Written<U>, WriteError> {
        let written = self.upsert(connection, clerk_id, claims, version).await?;
        if let Some(on_insert) = &self.on_insert
            && written.inserted
        {
            on_insert(connection, &written.stored.user)
                .await
                .map_err(WriteError::OnInsert)?;
        }
        Ok(written)
    }

    pub(super) async fn upsert(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Written<U>, WriteError> {
        let mut arguments = DB::Arguments::default();
        U::bind(claims, version.milliseconds(), &mut arguments).map_err(sqlx::Error::Encode)?;
        if Self::ANNOUNCES {
            sqlx::Arguments::add(&mut arguments, &*self.sender).map_err(sqlx::Error::Encode)?;
        }
        match DB::upsert::<U>(connection, clerk_id, arguments)
            .await
            .map_err(taken)?
        {
            Some(written) => Ok(written),
            None if U::TOMBSTONES.is_some() => Err(WriteError::Gone),
            None => Err(sqlx::Error::RowNotFound.into()),
        }
    }

    pub(super) async fn upsert_and_commit(
        &self,
        mut transaction: Transaction<'_, DB>,
        clerk_id: &str,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Written<U>, WriteError> {
        let written = self
            .upsert_with_hook(&mut transaction, clerk_id, claims, version)
            .await?;
        transaction.commit().await.map_err(commit_error::<U>)?;
        self.after_insertion(clerk_id, written).await
    }

    /// Runs [`StoredIn::INSERT`]; `None` if there is a row.
    pub(super) async fn insert_alone(
        &self,
        insert: &'static str,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Option<Written<U>>, WriteError> {
        let mut arguments = DB::Arguments::default();
        U::bind(claims, version.milliseconds(), &mut arguments).map_err(sqlx::Error::Encode)?;
        let mut connection = self.connections.acquire().await?;
        // To the end: SQLite commits a statement when it is done, and sqlx leaves it at the first row otherwise.
        let rows = sqlx::query_with(insert, arguments)
            .fetch_all(&mut *connection)
            .await
            .map_err(taken)?;
        connection.done().await.map_err(commit_error::<U>)?;
        Ok(rows.first().map(|row| written::<DB, U>(row, true)).transpose()?)
    }
}

/// What a statement that writes a row failed with.
fn taken(error: sqlx::Error) -> WriteError {
    match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => WriteError::Taken(error),
        error => error.into(),
    }
}

/// What a transaction of writes failed with when it was committed. A constraint that is `DEFERRABLE INITIALLY DEFERRED`
/// refuses only then; one of another table is that of a hook.
pub(super) fn commit_error<U: SyncedUser>(error: sqlx::Error) -> WriteError {
    match error {
        sqlx::Error::Database(error)
            if error.is_unique_violation() && error.table() == U::TABLE.rsplit('.').next() =>
        {
            WriteError::Taken(error)
        }
        error => error.into(),
    }
}
