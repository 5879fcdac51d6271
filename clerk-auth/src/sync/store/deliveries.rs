//! Remembers which deliveries the application has seen, for a hook that must not see one twice.

use std::time::Duration;

use sqlx::{Encode, Executor, IntoArguments, Type};

use super::connection::Connections;
use super::dialect::{Dialect, key};
use crate::id::DeliveryId;
use crate::schema::OwnTable;
use crate::user::{ColumnDefinition, Parameter, Statement};

/// The table in which a [`on_event_once`](crate::sync::UserSyncBuilder::on_event_once) hook's deliveries are remembered, with its
/// index, for a migration of the team's own; the same text for PostgreSQL and SQLite. Each delivery that is recorded
/// deletes up to a hundred that are older than 30 days.
///
/// ```
/// use clerk_auth::sync::CREATE_DELIVERIES;
///
/// assert!(CREATE_DELIVERIES.starts_with("CREATE TABLE \"clerk_deliveries\" ("));
/// ```
pub const CREATE_DELIVERIES: &str = r#"CREATE TABLE "clerk_deliveries" (
    "id" TEXT PRIMARY KEY,
    "received_at" TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX "clerk_deliveries_received_at" ON "clerk_deliveries" ("received_at")"#;

/// What the statements need of the table.
const COLUMNS: &[ColumnDefinition] = &[
    ColumnDefinition {
        name: "id",
        sql_type: "TEXT",
        clauses: &[" NOT NULL", " UNIQUE"],
        inserted: true,
    },
    ColumnDefinition {
        name: "received_at",
        sql_type: "TIMESTAMP",
        clauses: &[" NOT NULL", " DEFAULT CURRENT_TIMESTAMP"],
        inserted: false,
    },
];

const RECORD: &str = r#"INSERT INTO "clerk_deliveries" ("id") VALUES ($1) ON CONFLICT DO NOTHING"#;

/// How long the deletion of old deliveries may take after a delivery has been applied, which Clerk waits for.
const FORGET_FOR: Duration = Duration::from_secs(1);

/// The table, for the check at start-up.
pub(crate) fn table<DB: Dialect>() -> OwnTable {
    OwnTable {
        path: "clerk_deliveries",
        create_table: CREATE_DELIVERIES,
        columns: COLUMNS,
        privileges: &["SELECT", "INSERT", "DELETE"],
        statements: vec![
            Statement {
                name: "record deliveries",
                sql: RECORD,
                parameters: &[Parameter::Text],
            },
            Statement {
                name: "forget deliveries",
                sql: DB::FORGET_DELIVERIES,
                parameters: &[],
            },
        ],
        holds: "deliveries cannot be remembered".to_owned(),
    }
}

/// Deletes some deliveries that are older than a month: Svix retries for 27 hours and 35 minutes, and an operator may send
/// a delivery again for a while after that. It runs after a delivery has been recorded, so that the table is bounded by a
/// month of deliveries while the process runs; and in a transaction of its own, so that no delivery waits for another's.
pub(crate) async fn forget_old<DB>(connections: &Connections<DB>)
where
    DB: Dialect,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let forgotten = tokio::time::timeout(FORGET_FOR, async {
        let mut connection = connections.acquire().await?;
        let forgotten = sqlx::query::<DB>(DB::FORGET_DELIVERIES)
            .execute(&mut *connection)
            .await;
        connection.end(forgotten.map(drop)).await
    });
    match forgotten.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "old deliveries cannot be deleted"),
        Err(_) => tracing::warn!("old deliveries cannot be deleted in a second"),
    }
}

/// Whether this is the first time that the delivery comes. Another transaction with the same delivery waits for this one.
pub(crate) async fn is_first<DB>(
    connection: &mut DB::Connection,
    id: &DeliveryId,
) -> Result<bool, sqlx::Error>
where
    DB: Dialect,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
{
    let inserted = sqlx::query_with(RECORD, key::<DB>(id.as_str())?)
        .execute(connection)
        .await?;
    Ok(DB::rows_affected(&inserted) > 0)
}
