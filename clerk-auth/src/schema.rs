//! Asks the live database whether it can run a struct's statements, before the first request does.
//!
//! The statements are planned, not run: the planner knows tables, columns, types, privileges and whether a unique index
//! fits the upsert's conflict target, so nothing of that is checked a second time here.

use std::future::Future;

use sqlx::{AssertSqlSafe, Database, Executor, Pool};

use crate::user::StoredIn;

/// Why the table cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The database refused to plan a statement: a table, column, index or privilege is missing.
    #[error(
        "the database cannot run the {statement} statement of `{user}`: {source}; compare the table with what \
         `{user}` expects:\n{create_table}"
    )]
    Statement {
        /// The struct.
        user: &'static str,
        /// `SELECT`, `UPSERT`, …: the constant of [`StoredIn`] that was refused.
        statement: &'static str,
        /// The DDL that makes a table which fits.
        create_table: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database did not answer.
    #[error(
        "the database could not be asked about the table of `{user}`: {source}; is it running, and is the URL right?"
    )]
    Unavailable {
        /// The struct.
        user: &'static str,
        /// What went wrong on the way.
        source: sqlx::Error,
    },
}

/// Plans every statement of `U` on the live database.
pub(crate) async fn check<DB, U>(pool: &Pool<DB>) -> Result<(), SchemaError>
where
    DB: Explain,
    U: StoredIn<DB>,
{
    for (statement, sql) in [
        ("SELECT", U::SELECT),
        ("UPSERT", U::UPSERT),
        ("RAISE_VERSION", U::RAISE_VERSION),
        ("TOMBSTONE", U::TOMBSTONE),
    ] {
        DB::explain(pool, sql).await.map_err(|source| match source {
            source @ sqlx::Error::Database(_) => SchemaError::Statement {
                user: U::NAME,
                statement,
                create_table: U::CREATE_TABLE,
                source,
            },
            source => SchemaError::Unavailable {
                user: U::NAME,
                source,
            },
        })?;
    }
    Ok(())
}

/// A database that can be made to plan a statement without running it.
pub(crate) trait Explain: Database {
    fn explain(pool: &Pool<Self>, sql: &'static str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

#[cfg(feature = "postgres")]
impl Explain for sqlx::Postgres {
    async fn explain(pool: &Pool<Self>, sql: &'static str) -> Result<(), sqlx::Error> {
        // Up to version 15 EXPLAIN needs values for the parameters; a prepared statement takes nulls for them. The
        // transaction keeps the statement's name on one server connection behind a transaction-mode pooler.
        let mut transaction = pool.begin().await?;
        let nulls = vec!["NULL"; parameters(sql)].join(", ");
        for step in [
            format!("PREPARE clerk_auth_check AS {sql}"),
            format!("EXPLAIN EXECUTE clerk_auth_check ({nulls})"),
            "DEALLOCATE clerk_auth_check".to_owned(),
        ] {
            // The text is made of the derive's constant and literals.
            transaction.execute(sqlx::raw_sql(AssertSqlSafe(step))).await?;
        }
        transaction.rollback().await
    }
}

/// The highest `$n` of a statement.
#[cfg(feature = "postgres")]
fn parameters(sql: &str) -> usize {
    sql.split('$')
        .skip(1)
        .filter_map(|rest| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        })
        .max()
        .unwrap_or(0)
}

#[cfg(feature = "sqlite")]
impl Explain for sqlx::Sqlite {
    async fn explain(pool: &Pool<Self>, sql: &'static str) -> Result<(), sqlx::Error> {
        let mut connection = pool.acquire().await?;
        // EXPLAIN compiles a statement against the schema as the connection last saw it; a read makes it look again.
        connection.execute("SELECT count(*) FROM sqlite_schema").await?;
        // Unbound parameters are null.
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {sql}"))))
            .await?;
        Ok(())
    }
}
