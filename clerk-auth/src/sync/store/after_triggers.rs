//! Reads from PostgreSQL's catalogue whether a table has triggers that run after a write.

use sqlx::PgConnection;

use crate::schema::quote_path;

/// The bits of `tgtype` are in PostgreSQL's `catalog/pg_trigger.h`: 66 are BEFORE and INSTEAD OF, 20 are INSERT and
/// UPDATE. Internal triggers check foreign keys, and change no row of this table.
const SQL: &str = "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass($1) AND NOT tgisinternal \
                   AND tgenabled IN ('O', 'A') AND tgtype & 66 = 0 AND tgtype & 20 <> 0)";

pub(super) async fn exist(connection: &mut PgConnection, table: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(SQL)
        .bind(quote_path(table))
        .persistent(false)
        .fetch_one(connection)
        .await
}
