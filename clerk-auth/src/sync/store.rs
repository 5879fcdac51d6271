//! The statements of a struct, run against a pool.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Pool, Row, Transaction,
    Type,
};

use super::dialect::{Dialect, key, stored};
use super::error::BoxError;
use super::version::Version;
use crate::user::{StoredIn, SyncedUser};

/// A row and its bookkeeping.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Stored<U> {
    pub(crate) user: Arc<U>,
    pub(crate) version: Version,
    pub(crate) deleted: bool,
}

impl<U> Clone for Stored<U> {
    fn clone(&self) -> Self {
        Self {
            user: Arc::clone(&self.user),
            ..*self
        }
    }
}

/// The row after an upsert: the one that won, whoever wrote it.
#[derive(Debug)]
pub(crate) struct Written<U> {
    pub(crate) stored: Stored<U>,
    pub(crate) inserted: bool,
}

/// Why a row could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The database failed.
    Database(sqlx::Error),
    /// A unique index of the team's own, over these columns among others, holds one of the values for another row.
    Taken { columns: Vec<usize> },
    /// The application's hook failed, and nothing was inserted.
    OnInsert(BoxError),
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

pub(crate) type StoreFuture<'a, T, E = sqlx::Error> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// What the application does in the transaction that inserts a row.
pub(crate) type OnInsert<U, DB> = Arc<
    dyn for<'a> Fn(&'a mut <DB as Database>::Connection, &'a U) -> StoreFuture<'a, (), BoxError>
        + Send
        + Sync,
>;

/// A place where rows of `U` are kept. The database is erased here so that a handler's state need not name it.
pub(crate) trait Store<U: SyncedUser>: Send + Sync {
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<Stored<U>>>;

    /// The rows of those that have one, with their Clerk user ids.
    fn read_many<'a>(&'a self, clerk_ids: &'a [&'a str]) -> StoreFuture<'a, Vec<(String, Stored<U>)>>;

    fn write<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Written<U>, WriteError>;

    fn raise_version<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, ()>;

    /// Marks a row as deleted; false if there is none, or it was.
    #[cfg_attr(
        not(feature = "backend-api"),
        allow(dead_code, reason = "tokens tell of no deletion")
    )]
    fn tombstone<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool>;

    /// The Clerk user ids of the other rows that hold the claim of a column.
    fn holders<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        column: usize,
    ) -> StoreFuture<'a, Vec<String>>;

    /// Writes after the holder's column has been made null, in one transaction; `None`, and nothing has happened, if the
    /// holder is newer or that did not help.
    fn write_instead_of<'a>(
        &'a self,
        holder: &'a str,
        column: usize,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Option<Written<U>>, WriteError>;

    /// Tells other processes that a row was written.
    fn announce<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, ()>;
}

/// Rows of `U` in a database.
pub(super) struct PoolStore<U, DB: Database> {
    pub(super) pool: Pool<DB>,
    pub(super) on_insert: Option<OnInsert<U, DB>>,
    /// By which this handle knows what it has announced itself.
    pub(super) sender: Arc<str>,
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
    async fn upsert(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Written<U>, WriteError> {
        let mut arguments = DB::Arguments::default();
        U::bind(claims, version.milliseconds(), &mut arguments).map_err(sqlx::Error::Encode)?;
        if DB::ANNOUNCES && !U::FRESH_FOR.is_zero() {
            sqlx::Arguments::add(&mut arguments, &*self.sender).map_err(sqlx::Error::Encode)?;
        }
        match DB::upsert::<U>(connection, clerk_id, arguments).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Err(WriteError::Taken {
                columns: DB::taken_columns(&self.pool, error.as_ref(), U::CLAIM_COLUMNS).await?,
            }),
            written => Ok(written?),
        }
    }

    async fn upsert_and_commit(
        &self,
        mut transaction: Transaction<'_, DB>,
        clerk_id: &str,
        claims: &U::Claims,
        version: Version,
    ) -> Result<Written<U>, WriteError> {
        let written = self.upsert(&mut transaction, clerk_id, claims, version).await?;
        if let Some(on_insert) = &self.on_insert
            && written.inserted
        {
            on_insert(&mut transaction, &written.stored.user)
                .await
                .map_err(WriteError::OnInsert)?;
        }
        transaction.commit().await?;
        Ok(written)
    }
}

impl<DB, U> Store<U> for PoolStore<U, DB>
where
    DB: Dialect,
    U: StoredIn<DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
    for<'r> bool: Decode<'r, DB> + Type<DB>,
    for<'r> String: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<Stored<U>>> {
        Box::pin(async move {
            sqlx::query_with(U::SELECT, key::<DB>(clerk_id)?)
                .fetch_optional(&self.pool)
                .await?
                .map(|row| stored::<DB, U>(&row, row.len() - 2))
                .transpose()
        })
    }

    fn read_many<'a>(&'a self, clerk_ids: &'a [&'a str]) -> StoreFuture<'a, Vec<(String, Stored<U>)>> {
        Box::pin(async move {
            let rows = sqlx::query_with(U::SELECT_MANY, DB::many(clerk_ids)?)
                .fetch_all(&self.pool)
                .await?;
            rows.iter()
                .map(|row| Ok((row.try_get(row.len() - 1)?, stored::<DB, U>(row, row.len() - 3)?)))
                .collect()
        })
    }

    fn write<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Written<U>, WriteError> {
        Box::pin(async move {
            if self.on_insert.is_none() && !DB::UPSERT_IN_TRANSACTION {
                let mut connection = self.pool.acquire().await?;
                return self.upsert(&mut connection, clerk_id, claims, version).await;
            }
            let transaction = DB::begin(&self.pool).await?;
            self.upsert_and_commit(transaction, clerk_id, claims, version)
                .await
        })
    }

    fn raise_version<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let arguments = with_version::<DB>(clerk_id, version)?;
            sqlx::query_with(U::RAISE_VERSION, arguments)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }

    fn tombstone<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let done = sqlx::query_with(U::TOMBSTONE, key::<DB>(clerk_id)?)
                .execute(&self.pool)
                .await?;
            Ok(DB::rows_affected(&done) > 0)
        })
    }

    fn holders<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        column: usize,
    ) -> StoreFuture<'a, Vec<String>> {
        Box::pin(async move {
            let statements = &U::CLAIM_COLUMNS[column];
            let mut holders: Vec<String> = Vec::new();
            for sql in [statements.holder, statements.holder_ignoring_case] {
                let mut arguments = DB::Arguments::default();
                U::bind_claim(claims, column, &mut arguments).map_err(sqlx::Error::Encode)?;
                sqlx::Arguments::add(&mut arguments, clerk_id).map_err(sqlx::Error::Encode)?;
                // The index allows one at most; more may share a value that it does not cover.
                let sql = AssertSqlSafe(format!("{sql} LIMIT 10"));
                let rows = sqlx::query_with(sql, arguments).fetch_all(&self.pool).await?;
                for row in &rows {
                    let holder = row.try_get(0)?;
                    if !holders.contains(&holder) {
                        holders.push(holder);
                    }
                }
            }
            Ok(holders)
        })
    }

    fn write_instead_of<'a>(
        &'a self,
        holder: &'a str,
        column: usize,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Option<Written<U>>, WriteError> {
        Box::pin(async move {
            let Some(give_way) = U::CLAIM_COLUMNS[column].give_way else {
                return Ok(None);
            };
            let mut transaction = DB::begin(&self.pool).await?;
            let arguments = with_version::<DB>(holder, version)?;
            let gave_way = sqlx::query_with(give_way, arguments)
                .execute(&mut *transaction)
                .await?;
            if DB::rows_affected(&gave_way) == 0 {
                return Ok(None);
            }
            match self
                .upsert_and_commit(transaction, clerk_id, claims, version)
                .await
            {
                Err(WriteError::Taken { .. }) => Ok(None),
                written => written.map(Some),
            }
        })
    }

    fn announce<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(DB::announce(&self.pool, &self.sender, U::TABLE, clerk_id))
    }
}

fn with_version<DB>(clerk_id: &str, version: Version) -> Result<DB::Arguments, sqlx::Error>
where
    DB: Database,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Type<DB>,
{
    let mut arguments = key::<DB>(clerk_id)?;
    sqlx::Arguments::add(&mut arguments, version.milliseconds()).map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}
