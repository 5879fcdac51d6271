//! The state of a table in the live database.

use std::future::Future;
use std::ops::ControlFlow;

use sqlx::database::HasStatementCache;
use sqlx::{AssertSqlSafe, Column, Database, Executor, SqlSafeStr, Statement};

use super::Problem;
use crate::row::StoredIn;

/// The object under a table's name.
#[derive(Debug)]
pub(crate) enum Live {
    /// A table, or something that cannot serve as one.
    Table(LiveTable),
    /// No table that the statements would find.
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
    /// Returns the state of a missing table that can be created.
    pub(super) fn missing() -> Self {
        Self::Missing {
            before: Vec::new(),
            note: String::new(),
            creatable: true,
        }
    }
}

/// The live state of a table.
#[derive(Debug, Default)]
pub(crate) struct LiveTable {
    /// The reason why the statements cannot use the object, such as a view or a foreign table. If set, nothing else is
    /// compared.
    pub(super) unusable: Option<Problem>,
    pub(super) columns: Vec<LiveColumn>,
    /// Columns that are unique by themselves.
    pub(super) unique: Vec<String>,
    /// The required privileges that the database user lacks.
    pub(super) forbidden: Vec<&'static str>,
    /// Other faults that break the statements: row-level security, rules, inheritance.
    pub(super) obstacles: Vec<Problem>,
    /// The database user, quoted; empty if the database has no users.
    pub(super) role: String,
}

/// The live state of a column.
#[derive(Debug)]
pub(crate) struct LiveColumn {
    pub(super) name: String,
    pub(super) sql_type: String,
    pub(super) not_null: bool,
    /// True if the column alone or with others is the primary key.
    pub(super) is_primary_key: bool,
    /// True if a row can be inserted without the column.
    pub(super) has_default: bool,
    /// True if the struct's field can be read from the column.
    pub(super) is_readable: bool,
    /// The way in which the database generates the value, which rules out a value from sync.
    pub(super) generated: Option<Generated>,
    /// The schema of the column's type, if the database user may not use the schema. Set only for a named type of the
    /// application, which sqlx looks up by its name.
    pub(super) forbidden_schema: Option<String>,
    /// A sequence of its default that the database user may not use, quoted.
    pub(super) forbidden_sequence: Option<String>,
}

/// The ways in which a database generates a column that accepts no other value.
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
    /// True if the statements read `xmax`, which PostgreSQL does not return for a row that was inserted into a
    /// partition.
    #[cfg_attr(
        all(feature = "sqlite", not(feature = "postgres")),
        expect(dead_code, reason = "SQLite has none")
    )]
    pub(super) system_columns: bool,
}

/// A database with a catalogue of its tables.
pub(crate) trait Catalogue: Database + HasStatementCache {
    /// True if `ALTER TABLE` can change a column's type and nullability.
    const CAN_ALTER_COLUMNS: bool;

    /// Lists the faults by which the server, or the file of a table, cannot store anything. Returns `Break` if even the
    /// catalogue queries would fail.
    fn server(
        connection: &mut Self::Connection,
        table: &str,
    ) -> impl Future<Output = Result<ControlFlow<Problem, Vec<Problem>>, sqlx::Error>> + Send;

    /// Returns whether there is a type of this name.
    fn has_type(
        connection: &mut Self::Connection,
        sql_type: &str,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// Returns the table of this name.
    fn live_table(
        connection: &mut Self::Connection,
        table: &str,
        needs: Needs,
    ) -> impl Future<Output = Result<Live, sqlx::Error>> + Send;
}

/// Returns the table of `U`, and the columns from which the struct can be read.
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
    // Safe: the text consists of the derive's constants.
    let statement = (&mut *connection)
        .prepare(AssertSqlSafe(sql).into_sql_str())
        .await?;
    for ((expected, found), column) in places.into_iter().zip(statement.columns()) {
        table.columns[found].is_readable = U::can_read(expected, column.type_info());
    }
    Ok(Live::Table(table))
}

/// Quotes an identifier for both databases.
pub(crate) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Quotes a table, with its schema if it has one.
pub(crate) fn quote_path(path: &str) -> String {
    path.split('.').map(quote).collect::<Vec<_>>().join(".")
}
