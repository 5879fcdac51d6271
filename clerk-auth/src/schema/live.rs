//! What a live database says of a table.

use std::future::Future;

use sqlx::{AssertSqlSafe, Column, Database, Executor, SqlSafeStr, Statement};

use crate::user::StoredIn;

/// A table as it is.
#[derive(Debug, Default)]
pub(crate) struct LiveTable {
    /// It is one, and not a view.
    pub(super) is_table: bool,
    pub(super) columns: Vec<LiveColumn>,
    /// Columns that alone make a row unique, whatever else it holds.
    pub(super) unique: Vec<String>,
    /// What the current user may not do: `SELECT`, `INSERT`, `UPDATE`.
    pub(super) forbidden: Vec<&'static str>,
}

/// A column as it is.
#[derive(Debug)]
pub(crate) struct LiveColumn {
    pub(super) name: String,
    pub(super) sql_type: String,
    pub(super) not_null: bool,
    /// A row can be inserted without it.
    pub(super) has_default: bool,
    /// The struct's field can be read from it.
    pub(super) is_readable: bool,
}

/// A database that can be asked about its tables.
pub(crate) trait Catalogue: Database {
    /// Whether `ALTER TABLE` can change a column's type and nullability.
    const CAN_ALTER_COLUMNS: bool;

    /// The table of a schema, if there is one.
    fn live_table(
        connection: &mut Self::Connection,
        table: &str,
    ) -> impl Future<Output = Result<Option<LiveTable>, sqlx::Error>> + Send;
}

/// The table of `U`, and which of its columns the struct can be read from.
pub(super) async fn table<U, DB>(connection: &mut DB::Connection) -> Result<Option<LiveTable>, sqlx::Error>
where
    DB: Catalogue,
    U: StoredIn<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let Some(mut table) = DB::live_table(connection, U::TABLE).await? else {
        return Ok(None);
    };
    let places: Vec<(usize, usize)> = U::COLUMNS
        .iter()
        .enumerate()
        .filter_map(|(expected, column)| {
            let found = table.columns.iter().position(|it| it.name == column.name)?;
            Some((expected, found))
        })
        .collect();
    if places.is_empty() || table.forbidden.contains(&"SELECT") {
        return Ok(Some(table));
    }
    let names: Vec<String> = places
        .iter()
        .map(|(expected, _)| quote(U::COLUMNS[*expected].name))
        .collect();
    let sql = format!("SELECT {} FROM {}", names.join(", "), quote_path(U::TABLE));
    // The text is made of the derive's constants.
    let statement = (&mut *connection)
        .prepare(AssertSqlSafe(sql).into_sql_str())
        .await?;
    for ((expected, found), column) in places.into_iter().zip(statement.columns()) {
        table.columns[found].is_readable = U::can_read(expected, column.type_info());
    }
    Ok(Some(table))
}

#[cfg(feature = "postgres")]
impl Catalogue for sqlx::Postgres {
    const CAN_ALTER_COLUMNS: bool = true;

    async fn live_table(
        connection: &mut Self::Connection,
        table: &str,
    ) -> Result<Option<LiveTable>, sqlx::Error> {
        let path = quote_path(table);
        let found: Option<(String, bool, bool, bool)> = sqlx::query_as(
            "SELECT relkind::text, has_any_column_privilege(oid, 'SELECT'), \
             has_any_column_privilege(oid, 'INSERT'), has_any_column_privilege(oid, 'UPDATE') \
             FROM pg_class WHERE oid = to_regclass($1)",
        )
        .bind(&path)
        .fetch_optional(&mut *connection)
        .await?;
        let Some((kind, select, insert, update)) = found else {
            return Ok(None);
        };
        let columns: Vec<(String, String, bool, bool)> = sqlx::query_as(
            // A trigger before the insertion may fill any column.
            "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> '' \
             OR EXISTS (SELECT FROM pg_type WHERE oid = atttypid AND typdefault IS NOT NULL) \
             OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = attrelid AND NOT tgisinternal AND tgtype & 7 = 7) \
             FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        )
        .bind(&path)
        .fetch_all(&mut *connection)
        .await?;
        let unique: Vec<String> = sqlx::query_scalar(
            "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate \
             AND i.indnkeyatts = 1 AND i.indpred IS NULL",
        )
        .bind(&path)
        .fetch_all(&mut *connection)
        .await?;
        let privileges = [("SELECT", select), ("INSERT", insert), ("UPDATE", update)];
        Ok(Some(LiveTable {
            is_table: matches!(&*kind, "r" | "p" | "f"),
            columns: columns.into_iter().map(column).collect(),
            unique,
            forbidden: privileges
                .into_iter()
                .filter_map(|(privilege, granted)| (!granted).then_some(privilege))
                .collect(),
        }))
    }
}

#[cfg(feature = "sqlite")]
impl Catalogue for sqlx::Sqlite {
    const CAN_ALTER_COLUMNS: bool = false;

    async fn live_table(
        connection: &mut Self::Connection,
        table: &str,
    ) -> Result<Option<LiveTable>, sqlx::Error> {
        let (schema, table) = table.split_once('.').unwrap_or(("main", table));
        let columns: Vec<(String, String, bool, bool)> = sqlx::query_as(
            // Of the primary keys an `INTEGER` alone is the row's own number.
            "SELECT name, type, \"notnull\" OR pk, dflt_value IS NOT NULL OR (pk AND upper(type) = 'INTEGER') \
             FROM pragma_table_info(?1, ?2)",
        )
        .bind(table)
        .bind(schema)
        .fetch_all(&mut *connection)
        .await?;
        if columns.is_empty() {
            return Ok(None);
        }
        let unique: Vec<String> = sqlx::query_scalar(
            "SELECT (SELECT name FROM pragma_index_info(l.name, ?2)) FROM pragma_index_list(?1, ?2) l \
             WHERE l.\"unique\" AND NOT l.partial AND (SELECT count(*) FROM pragma_index_info(l.name, ?2)) = 1 \
             AND (SELECT name FROM pragma_index_info(l.name, ?2)) IS NOT NULL",
        )
        .bind(table)
        .bind(schema)
        .fetch_all(&mut *connection)
        .await?;
        let kind: Option<String> =
            sqlx::query_scalar("SELECT type FROM pragma_table_list(?1) WHERE schema = ?2")
                .bind(table)
                .bind(schema)
                .fetch_optional(&mut *connection)
                .await?;
        Ok(Some(LiveTable {
            is_table: kind.as_deref() != Some("view"),
            columns: columns.into_iter().map(column).collect(),
            unique,
            forbidden: Vec::new(),
        }))
    }
}

fn column((name, sql_type, not_null, has_default): (String, String, bool, bool)) -> LiveColumn {
    LiveColumn {
        name,
        sql_type,
        not_null,
        has_default,
        is_readable: true,
    }
}

/// An identifier as both databases read it.
pub(crate) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A table, with its schema if it has one.
pub(crate) fn quote_path(path: &str) -> String {
    path.split('.').map(quote).collect::<Vec<_>>().join(".")
}
