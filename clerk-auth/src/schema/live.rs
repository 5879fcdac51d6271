//! The table as a live database reports it.

use std::future::Future;

use sqlx::{AssertSqlSafe, Column, Database, Executor, SqlSafeStr, Statement};

use super::Problem;
use crate::user::StoredIn;

/// The object under a table's name.
#[derive(Debug)]
pub(crate) enum Live {
    /// A table, or something that cannot serve as one.
    Table(LiveTable),
    /// Nothing that the statements would find.
    Missing {
        /// The faults to fix before the table can be created or found.
        before: Vec<Problem>,
        /// The catalogue's findings about a table of the same name elsewhere.
        note: String,
        /// True if creating the table helps.
        creatable: bool,
    },
}

impl Live {
    /// Nothing is there, and creating the table helps.
    pub(super) fn missing() -> Self {
        Self::Missing {
            before: Vec::new(),
            note: String::new(),
            creatable: true,
        }
    }
}

/// A table as it is.
#[derive(Debug, Default)]
pub(crate) struct LiveTable {
    /// The reason why the statements cannot use the object, such as a view or a foreign table. The problem ends the
    /// comparison.
    pub(super) unusable: Option<Problem>,
    pub(super) columns: Vec<LiveColumn>,
    /// Columns that alone make a row unique, whatever else it holds.
    pub(super) unique: Vec<String>,
    /// Which of the needed privileges the database user lacks.
    pub(super) forbidden: Vec<&'static str>,
    /// Other faults that break the statements: row-level security, rules, inheritance.
    pub(super) obstacles: Vec<Problem>,
    /// The database user, quoted; empty if the database has no users.
    pub(super) role: String,
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
    /// How the database makes its value, which then refuses one from sync.
    pub(super) generated: Option<Generated>,
    /// The schema of its type if that is a named one of the team's and the database user may not use the schema: sqlx looks
    /// such a type up by its name.
    pub(super) forbidden_schema: Option<String>,
    /// A sequence of its default that the database user may not use, quoted.
    pub(super) forbidden_sequence: Option<String>,
}

/// How a database makes the value of a column that accepts no other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Generated {
    /// `GENERATED ALWAYS AS (…) STORED`
    Stored,
    /// `GENERATED ALWAYS AS (…) VIRTUAL`
    Virtual,
    /// `GENERATED ALWAYS AS IDENTITY`
    #[cfg_attr(
        all(feature = "sqlite", not(feature = "postgres")),
        expect(dead_code, reason = "SQLite has none")
    )]
    Identity,
}

/// The requirements of the statements on a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE`.
    pub(super) privileges: &'static [&'static str],
    /// They read `xmax`, which PostgreSQL does not return for a row that it has put into a partition.
    #[cfg_attr(
        all(feature = "sqlite", not(feature = "postgres")),
        expect(dead_code, reason = "SQLite has none")
    )]
    pub(super) system_columns: bool,
}

/// A database that can be asked about its tables.
pub(crate) trait Catalogue: Database {
    /// True if `ALTER TABLE` can change a column's type and nullability.
    const CAN_ALTER_COLUMNS: bool;

    /// Lists the faults that keep the server, or the file of a table, from storing anything at all.
    fn server(
        connection: &mut Self::Connection,
        table: &str,
    ) -> impl Future<Output = Result<Vec<Problem>, sqlx::Error>> + Send;

    /// The table of this name.
    fn live_table(
        connection: &mut Self::Connection,
        table: &str,
        needs: Needs,
    ) -> impl Future<Output = Result<Live, sqlx::Error>> + Send;
}

/// The table of `U`, and which of its columns the struct can be read from.
pub(super) async fn table<U, DB>(connection: &mut DB::Connection, needs: Needs) -> Result<Live, sqlx::Error>
where
    DB: Catalogue,
    U: StoredIn<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut table = match DB::live_table(connection, U::TABLE, needs).await? {
        Live::Table(table) => table,
        missing => return Ok(missing),
    };
    let places: Vec<(usize, usize)> = U::COLUMNS
        .iter()
        .enumerate()
        .filter_map(|(expected, column)| {
            let found = table.columns.iter().position(|it| it.name == column.name)?;
            Some((expected, found))
        })
        .collect();
    if places.is_empty() || table.unusable.is_some() || table.forbidden.contains(&"SELECT") {
        return Ok(Live::Table(table));
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
    Ok(Live::Table(table))
}

/// An identifier as both databases read it.
pub(crate) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A table, with its schema if it has one.
pub(crate) fn quote_path(path: &str) -> String {
    path.split('.').map(quote).collect::<Vec<_>>().join(".")
}
