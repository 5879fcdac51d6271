//! Reads from PostgreSQL's catalogue which triggers of a table run after a write.

#[cfg(feature = "postgres")]
use sqlx::PgConnection;

#[cfg(feature = "postgres")]
use crate::schema::quote_path;

/// The bits of `tgtype` are defined in PostgreSQL's `catalog/pg_trigger.h`: 66 is BEFORE and INSTEAD OF, 20 is INSERT
/// and UPDATE. Internal triggers check foreign keys, and change no row of this table.
#[cfg(feature = "postgres")]
const SQL: &str = "SELECT count(*) > 0, coalesce(bool_or(tgdeferrable), false) FROM pg_trigger \
                   WHERE tgrelid = to_regclass($1) AND NOT tgisinternal AND tgenabled IN ('O', 'A') \
                   AND tgtype & 66 = 0 AND tgtype & 20 <> 0";

/// The triggers that may change a row after its statement has returned it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AfterTriggers {
    /// True if there are any such triggers.
    pub(crate) exist: bool,
    /// True if some may run at the commit.
    pub(crate) are_deferrable: bool,
}

#[cfg(feature = "postgres")]
impl AfterTriggers {
    pub(super) async fn read(connection: &mut PgConnection, table: &str) -> Result<Self, sqlx::Error> {
        let (exist, are_deferrable) = sqlx::query_as(SQL)
            .bind(quote_path(table))
            .persistent(false)
            .fetch_one(connection)
            .await?;
        Ok(Self {
            exist,
            are_deferrable,
        })
    }
}
