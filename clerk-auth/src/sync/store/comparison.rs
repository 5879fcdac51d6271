//! Compares a column with texts by the column's own type, collation and case sensitivity.

#[cfg(feature = "postgres")]
use crate::schema::quote_path;

/// Reads the type of a column; for a domain, the type under it. Explicit casts to `character` truncate.
#[cfg(feature = "postgres")]
const TYPE: &str = "\
WITH RECURSIVE base(type) AS ( \
    SELECT a.atttypid FROM pg_attribute a \
    WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND NOT a.attisdropped \
    UNION ALL \
    SELECT t.typbasetype FROM base JOIN pg_type t ON t.oid = base.type WHERE t.typtype = 'd' \
) \
SELECT CASE WHEN t.typname = 'bpchar' THEN 'bpchar' ELSE format_type(t.oid, NULL) END, \
    t.typname::text, t.typcategory = 'S' \
FROM base JOIN pg_type t ON t.oid = base.type WHERE t.typtype <> 'd'";

/// Returns the comparison for a column of a table.
#[cfg(feature = "postgres")]
pub(super) async fn postgres(
    connection: &mut sqlx::PgConnection,
    table: &str,
    column: &str,
) -> Result<Comparison, sqlx::Error> {
    let (sql_type, name, holds_text): (String, String, bool) = sqlx::query_as(TYPE)
        .bind(quote_path(table))
        .bind(column)
        .fetch_one(connection)
        .await?;
    Ok(match &*name {
        _ if holds_text => Comparison::As(sql_type),
        "int2" | "int4" | "int8" => Comparison::Integer,
        "uuid" => Comparison::Uuid,
        _ => Comparison::Printed,
    })
}

/// The way to compare a column with a text. The database compares, so that two values are equal exactly if the
/// application's unique index treats them as equal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Comparison {
    /// Casts the text to the column's type, which holds any text: `text`, `citext`, `character varying`.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite needs no cast"))]
    As(String),
    /// The column holds integers. Any other text equals no row.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite needs no cast"))]
    Integer,
    /// The column holds UUIDs. Any other text equals no row.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite needs no cast"))]
    Uuid,
    /// Compares the printed form of the column's value.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite needs no cast"))]
    Printed,
    /// The database converts the text by itself.
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "PostgreSQL needs a cast")
    )]
    Plain,
}

impl Comparison {
    /// Returns the condition under which a column equals a text. The column comes first, because SQLite uses the
    /// collation of the first operand.
    pub(crate) fn equal(&self, column: &str, text: &str) -> String {
        match self {
            Self::As(sql_type) => format!("{column} = CAST({text} AS {sql_type})"),
            Self::Integer => {
                format!(
                    "{column} = CASE WHEN {text} ~ '^[+-]?[0-9]{{1,18}}$' THEN CAST({text} AS BIGINT) END"
                )
            }
            Self::Uuid => format!(
                "{column} = CASE WHEN {text} ~* '^[0-9a-f]{{8}}-([0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}$' THEN CAST({text} AS UUID) \
                 END"
            ),
            Self::Printed => format!("CAST({column} AS TEXT) = {text}"),
            Self::Plain => format!("{column} = {text}"),
        }
    }
}
