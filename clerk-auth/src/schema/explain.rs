//! Has the live database plan a statement without running it.

use std::future::Future;

use sqlx::{AssertSqlSafe, Database, Executor, Pool};

/// A database that can be made to plan a statement without running it.
pub(crate) trait Explain: Database {
    fn explain(pool: &Pool<Self>, sql: &str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

#[cfg(feature = "postgres")]
impl Explain for sqlx::Postgres {
    async fn explain(pool: &Pool<Self>, sql: &str) -> Result<(), sqlx::Error> {
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
    async fn explain(pool: &Pool<Self>, sql: &str) -> Result<(), sqlx::Error> {
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
