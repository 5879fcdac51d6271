//! The statements of a struct, run against a pool.

use std::future::Future;
use std::pin::Pin;

use sqlx::{Arguments, ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Pool, Row, Type};

use super::version::Version;
use crate::user::StoredIn;

/// A row and its bookkeeping.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stored<U> {
    pub(crate) user: U,
    pub(crate) version: Version,
    pub(crate) deleted: bool,
}

/// The row after an upsert: the one that won, whoever wrote it.
#[derive(Debug)]
pub(crate) struct Written<U> {
    pub(crate) stored: Stored<U>,
    pub(crate) inserted: bool,
}

pub(crate) type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

/// A place where rows of `U` are kept. The database is erased here so that a handler's state need not name it.
pub(crate) trait Store<U: crate::user::SyncedUser>: Send + Sync {
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<Stored<U>>>;

    fn write<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Written<U>>;

    fn raise_version<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, ()>;
}

/// What the two databases do differently.
pub(crate) trait Dialect: Database {
    /// Runs the upsert and tells whether it inserted.
    fn upsert<'a, U: StoredIn<Self>>(
        pool: &'a Pool<Self>,
        clerk_id: &'a str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Written<U>, sqlx::Error>> + Send + 'a;
}

#[cfg(feature = "postgres")]
impl Dialect for sqlx::Postgres {
    async fn upsert<U: StoredIn<Self>>(
        pool: &Pool<Self>,
        _: &str,
        arguments: Self::Arguments,
    ) -> Result<Written<U>, sqlx::Error> {
        let row = sqlx::query_with(U::UPSERT, arguments).fetch_one(pool).await?;
        // `xmax` is zero for a row that no transaction has touched since its insertion, which this statement just did.
        let inserted = row.try_get(row.len() - 1)?;
        Ok(Written {
            stored: stored::<Self, U>(&row, row.len() - 3)?,
            inserted,
        })
    }
}

#[cfg(feature = "sqlite")]
impl Dialect for sqlx::Sqlite {
    async fn upsert<U: StoredIn<Self>>(
        pool: &Pool<Self>,
        clerk_id: &str,
        arguments: Self::Arguments,
    ) -> Result<Written<U>, sqlx::Error> {
        // SQLite has no `xmax`. The write lock is taken before the look, so that what is seen is what is written to.
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        let existing = sqlx::query_with(U::SELECT, key::<Self>(clerk_id)?)
            .fetch_optional(&mut *transaction)
            .await?;
        let row = sqlx::query_with(U::UPSERT, arguments)
            .fetch_one(&mut *transaction)
            .await?;
        let stored = stored::<Self, U>(&row, row.len() - 3)?;
        transaction.commit().await?;
        Ok(Written {
            stored,
            inserted: existing.is_none(),
        })
    }
}

impl<DB, U> Store<U> for Pool<DB>
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
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<Stored<U>>> {
        Box::pin(async move {
            sqlx::query_with(U::SELECT, key::<DB>(clerk_id)?)
                .fetch_optional(self)
                .await?
                .map(|row| stored::<DB, U>(&row, row.len() - 2))
                .transpose()
        })
    }

    fn write<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Written<U>> {
        Box::pin(async move {
            let mut arguments = DB::Arguments::default();
            U::bind(claims, version.milliseconds(), &mut arguments).map_err(sqlx::Error::Encode)?;
            DB::upsert::<U>(self, clerk_id, arguments).await
        })
    }

    fn raise_version<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut arguments = key::<DB>(clerk_id)?;
            arguments
                .add(version.milliseconds())
                .map_err(sqlx::Error::Encode)?;
            sqlx::query_with(U::RAISE_VERSION, arguments)
                .execute(self)
                .await?;
            Ok(())
        })
    }
}

fn key<'q, DB>(clerk_id: &'q str) -> Result<DB::Arguments, sqlx::Error>
where
    DB: Database,
    &'q str: Encode<'q, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    arguments.add(clerk_id).map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}

/// Reads the struct and the two bookkeeping columns that follow it at `bookkeeping`.
fn stored<DB, U>(row: &DB::Row, bookkeeping: usize) -> Result<Stored<U>, sqlx::Error>
where
    DB: Database,
    U: StoredIn<DB>,
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    for<'r> bool: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    Ok(Stored {
        user: U::from_row(row)?,
        version: Version::stored(row.try_get(bookkeeping)?),
        deleted: row.try_get(bookkeeping + 1)?,
    })
}
