//! Has the live database plan a statement without running it.

use std::future::Future;

#[cfg(feature = "postgres")]
use sqlx::Connection;
use sqlx::{AssertSqlSafe, Database, Executor};

/// A database that can be made to plan a statement without running it.
pub(crate) trait Explain: Database {
    fn explain(
        connection: &mut Self::Connection,
        sql: &str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

#[cfg(feature = "postgres")]
impl Explain for sqlx::Postgres {
    async fn explain(connection: &mut Self::Connection, sql: &str) -> Result<(), sqlx::Error> {
        // Up to version 15 EXPLAIN needs values for the parameters; a prepared statement takes nulls for them. The
        // transaction keeps the statement's name on one server connection behind a transaction-mode pooler.
        let mut transaction = connection.begin().await?;
        let nulls = vec!["NULL"; parameters(sql)].join(", ");
        // The texts are made of the derive's constant and literals.
        let prepare = AssertSqlSafe(format!("PREPARE clerk_auth_check AS {sql}"));
        let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE clerk_auth_check ({nulls})"));
        let deallocate = || sqlx::raw_sql("DEALLOCATE clerk_auth_check");
        transaction.execute(sqlx::raw_sql(prepare)).await?;
        let explained = transaction.execute(sqlx::raw_sql(explain)).await;
        if explained.is_ok() {
            transaction.execute(deallocate()).await?;
        }
        transaction.rollback().await?;
        // A prepared statement outlives the transaction that has failed, and would be in the way of the next one. That it
        // could not be planned is what there is to say, whatever comes of this.
        if explained.is_err() {
            drop(connection.execute(deallocate()).await);
        }
        explained.map(drop)
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
    async fn explain(connection: &mut Self::Connection, sql: &str) -> Result<(), sqlx::Error> {
        // EXPLAIN compiles a statement against the schema as the connection last saw it; a read makes it look again.
        connection.execute("SELECT count(*) FROM sqlite_schema").await?;
        // Unbound parameters are null.
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {sql}"))))
            .await?;
        Ok(())
    }
}
