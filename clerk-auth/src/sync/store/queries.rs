//! Wraps sqlx's generics in one place: the store's queries, parameters and values.

use std::future::Future;

use sqlx::{Arguments, Database, Row};

/// A database that the store can query.
pub(crate) trait Queries: Database {
    /// Runs a statement to its end, and returns its rows.
    fn fetch_all<'a>(
        connection: &'a mut Self::Connection,
        sql: &'static str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send + 'a;

    /// Like [`fetch_all`](Self::fetch_all), for a statement whose text consists of the derive's constants and numbers.
    /// An uncached statement does not evict the statements of requests from the connection's cache.
    #[cfg(feature = "backend-api")]
    fn fetch_all_of<'a>(
        connection: &'a mut Self::Connection,
        sql: String,
        arguments: Self::Arguments,
        is_kept: bool,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send + 'a;

    /// Returns the two texts in each row of a statement without parameters, for any number of rows.
    #[cfg(feature = "backend-api")]
    fn fetch_texts(
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<Vec<[Option<String>; 2]>, sqlx::Error>> + Send;

    /// Returns the first row of a statement, if any.
    fn fetch_optional<'a>(
        connection: &'a mut Self::Connection,
        sql: &'static str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Option<Self::Row>, sqlx::Error>> + Send + 'a;

    /// Runs a statement, and returns the number of changed rows.
    fn execute<'a>(
        connection: &'a mut Self::Connection,
        sql: &'static str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send + 'a;

    /// Runs a statement of a transaction, which has neither parameters nor rows.
    fn command(
        connection: &mut Self::Connection,
        sql: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    fn add_text(arguments: &mut Self::Arguments, text: &str) -> Result<(), sqlx::Error>;

    fn add_integer(arguments: &mut Self::Arguments, integer: i64) -> Result<(), sqlx::Error>;

    fn text(row: &Self::Row, column: usize) -> Result<String, sqlx::Error>;

    fn optional_text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error>;

    fn integer(row: &Self::Row, column: usize) -> Result<i64, sqlx::Error>;

    fn optional_integer(row: &Self::Row, column: usize) -> Result<Option<i64>, sqlx::Error>;

    fn boolean(row: &Self::Row, column: usize) -> Result<bool, sqlx::Error>;

    /// Returns the parameter of a statement for one user.
    fn key(clerk_id: &str) -> Result<Self::Arguments, sqlx::Error> {
        let mut arguments = Self::Arguments::default();
        Self::add_text(&mut arguments, clerk_id)?;
        Ok(arguments)
    }
}

macro_rules! queries {
    ($feature:literal, $database:ty) => {
        #[cfg(feature = $feature)]
        impl Queries for $database {
            async fn fetch_all(
                connection: &mut Self::Connection,
                sql: &'static str,
                arguments: Self::Arguments,
            ) -> Result<Vec<Self::Row>, sqlx::Error> {
                sqlx::query_with(sql, arguments).fetch_all(connection).await
            }

            #[cfg(feature = "backend-api")]
            async fn fetch_all_of(
                connection: &mut Self::Connection,
                sql: String,
                arguments: Self::Arguments,
                is_kept: bool,
            ) -> Result<Vec<Self::Row>, sqlx::Error> {
                sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments)
                    .persistent(is_kept)
                    .fetch_all(connection)
                    .await
            }

            #[cfg(feature = "backend-api")]
            async fn fetch_texts(
                connection: &mut Self::Connection,
                sql: String,
            ) -> Result<Vec<[Option<String>; 2]>, sqlx::Error> {
                // Keeps only the texts, because rows take more memory.
                let texts = |row: Self::Row| Ok([row.try_get(0)?, row.try_get(1)?]);
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .persistent(false)
                    .try_map(texts)
                    .fetch_all(connection)
                    .await
            }

            async fn fetch_optional(
                connection: &mut Self::Connection,
                sql: &'static str,
                arguments: Self::Arguments,
            ) -> Result<Option<Self::Row>, sqlx::Error> {
                sqlx::query_with(sql, arguments)
                    .fetch_optional(connection)
                    .await
            }

            async fn execute(
                connection: &mut Self::Connection,
                sql: &'static str,
                arguments: Self::Arguments,
            ) -> Result<u64, sqlx::Error> {
                let done = sqlx::query_with(sql, arguments).execute(connection).await?;
                Ok(done.rows_affected())
            }

            async fn command(
                connection: &mut Self::Connection,
                sql: &'static str,
            ) -> Result<(), sqlx::Error> {
                sqlx::raw_sql(sql).execute(connection).await.map(drop)
            }

            fn add_text(arguments: &mut Self::Arguments, text: &str) -> Result<(), sqlx::Error> {
                arguments.add(text).map_err(sqlx::Error::Encode)
            }

            fn add_integer(arguments: &mut Self::Arguments, integer: i64) -> Result<(), sqlx::Error> {
                arguments.add(integer).map_err(sqlx::Error::Encode)
            }

            fn text(row: &Self::Row, column: usize) -> Result<String, sqlx::Error> {
                row.try_get(column)
            }

            fn optional_text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error> {
                row.try_get(column)
            }

            fn integer(row: &Self::Row, column: usize) -> Result<i64, sqlx::Error> {
                row.try_get(column)
            }

            fn optional_integer(row: &Self::Row, column: usize) -> Result<Option<i64>, sqlx::Error> {
                row.try_get(column)
            }

            fn boolean(row: &Self::Row, column: usize) -> Result<bool, sqlx::Error> {
                row.try_get(column)
            }
        }
    };
}

queries!("postgres", sqlx::Postgres);
queries!("sqlite", sqlx::Sqlite);
