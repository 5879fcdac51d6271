//! Remembers which deliveries the application has seen, for a hook that must not see one twice.

use sqlx::{AssertSqlSafe, Encode, Executor, IntoArguments, Type};

use super::dialect::{Dialect, key};
use crate::id::DeliveryId;
use crate::schema::SchemaError;

/// The table in which a [`on_event_once`](super::UserSyncBuilder::on_event_once) hook's deliveries are remembered, for a
/// migration of the team's own; the same text for PostgreSQL and SQLite.
///
/// ```
/// use clerk_auth::sync::CREATE_DELIVERIES;
///
/// assert!(CREATE_DELIVERIES.starts_with("CREATE TABLE \"clerk_deliveries\" ("));
/// ```
pub const CREATE_DELIVERIES: &str = "CREATE TABLE \"clerk_deliveries\" (\n    \"id\" TEXT PRIMARY KEY,\n    \
                                     \"received_at\" TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP\n)";

/// Forgets what is older than a month, which shows too that the table is there: Svix retries for 27 hours and 35 minutes,
/// and somebody may send a delivery again by hand for a while after that.
pub(super) async fn forget_old<DB>(connection: &mut DB::Connection) -> Result<(), SchemaError>
where
    DB: Dialect,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let sql = format!(
        "DELETE FROM \"clerk_deliveries\" WHERE \"received_at\" < {}",
        DB::A_MONTH_AGO
    );
    sqlx::query::<DB>(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
        .map_err(SchemaError::Deliveries)
}

/// Whether this is the first time that the delivery comes. Another transaction with the same delivery waits for this one.
pub(super) async fn is_first<DB>(
    connection: &mut DB::Connection,
    id: &DeliveryId,
) -> Result<bool, sqlx::Error>
where
    DB: Dialect,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
{
    let inserted = sqlx::query_with(
        "INSERT INTO \"clerk_deliveries\" (\"id\") VALUES ($1) ON CONFLICT DO NOTHING",
        key::<DB>(id.as_str())?,
    )
    .execute(connection)
    .await?;
    Ok(DB::rows_affected(&inserted) > 0)
}
