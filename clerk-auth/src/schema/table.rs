//! Checks the table of a struct and sync's own tables. Compares each with its definition, and if that finds no fault,
//! has the database plan the statements.

use std::ops::ControlFlow;

use sqlx::{Connection, Executor};

use super::Problem;
use super::compare::{self, Expected};
use super::expected_column::{self, ExpectedColumn};
use super::live::{self, Catalogue, Live, Needs};
use super::plan::{Explain, plan};
use crate::row::{ColumnDefinition, Statement, StoredIn, Tombstones};

/// A table that belongs to sync itself.
pub(crate) struct OwnTable {
    /// Its name, with its schema if it has one.
    pub(crate) path: &'static str,
    pub(crate) create_table: &'static str,
    pub(crate) columns: &'static [ColumnDefinition],
    pub(crate) privileges: &'static [&'static str],
    /// The statements; none for a table of tombstones, because the struct's list has them.
    pub(crate) statements: Vec<Statement>,
    /// A description of what the table contains. Each problem begins with it.
    pub(crate) holds: String,
}

/// The columns that the statements need in a table of tombstones, which has one row per user.
const TOMBSTONE_COLUMNS: &[ColumnDefinition] = &[ColumnDefinition {
    name: "clerk_id",
    sql_type: "TEXT",
    clauses: &[" NOT NULL", " UNIQUE"],
    inserted: true,
}];

/// The privileges on its table that a struct's statements need.
const PRIVILEGES: &[&str] = &["SELECT", "INSERT", "UPDATE"];

/// Like [`PRIVILEGES`], if the row of a deleted user is removed.
const PRIVILEGES_WITH_DELETE: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];

impl OwnTable {
    /// Returns the table of tombstones. Its rows are never updated.
    fn of_tombstones(tombstones: Tombstones) -> Self {
        Self {
            path: tombstones.table,
            create_table: tombstones.create_table,
            columns: TOMBSTONE_COLUMNS,
            privileges: &["SELECT", "INSERT"],
            statements: Vec::new(),
            holds: format!("of the tombstones in `{}`", tombstones.table),
        }
    }
}

/// Lists every fault of the server, the table of `U`, and sync's own tables.
pub(super) async fn problems<U, DB>(
    connection: &mut DB::Connection,
    own: Vec<OwnTable>,
) -> Result<Vec<Problem>, sqlx::Error>
where
    DB: Catalogue + Explain,
    U: StoredIn<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    // sqlx caches the types of a prepared statement, and a column may have changed since.
    connection.clear_cached_statements().await?;
    let mut problems = match DB::server(connection, U::TABLE).await? {
        ControlFlow::Break(problem) => return Ok(vec![problem]),
        ControlFlow::Continue(problems) => problems,
    };
    let needs = Needs {
        privileges: match U::TOMBSTONES {
            Some(_) => PRIVILEGES_WITH_DELETE,
            None => PRIVILEGES,
        },
        system_columns: true,
    };
    let table = live::table::<U, DB>(connection, needs).await?;
    let (create_table, columns) = (U::create_table(), expected_column::columns::<U, DB>());
    let expected = Expected {
        path: U::TABLE,
        create_table: &create_table,
        columns: &columns,
        link: U::LINK.map(|link| link.column),
    };
    let mut of_struct = expected_column::missing_types::<U, DB>(connection, &columns).await?;
    of_struct.extend(compare::problems(expected, &table, DB::CAN_ALTER_COLUMNS));
    if let Some(tombstones) = U::TOMBSTONES {
        of_struct.extend(of_own_table::<DB>(connection, OwnTable::of_tombstones(tombstones)).await?);
    }
    if of_struct.is_empty() {
        let role = role(&table);
        of_struct = plan::<DB>(
            connection,
            &U::statements(),
            U::add_null,
            U::TABLE,
            needs.privileges,
            role,
        )
        .await?;
    }
    problems.extend(of_struct);
    for table in own {
        problems.extend(of_own_table::<DB>(connection, table).await?);
    }
    Ok(problems)
}

async fn of_own_table<DB>(
    connection: &mut DB::Connection,
    table: OwnTable,
) -> Result<Vec<Problem>, sqlx::Error>
where
    DB: Catalogue + Explain,
{
    let needs = Needs {
        privileges: table.privileges,
        system_columns: false,
    };
    let mut live = DB::live_table(connection, table.path, needs).await?;
    if let Live::Table(live) = &mut live {
        for found in &mut live.columns {
            let expected = table.columns.iter().find(|column| column.name == found.name);
            // sqlx does not read 64-bit integers from a smaller type.
            let is_big = expected.is_some_and(|column| column.sql_type == "BIGINT");
            found.is_readable = !(is_big && matches!(&*found.sql_type, "integer" | "smallint" | "numeric"));
        }
    }
    let columns: Vec<ExpectedColumn<'_>> = table
        .columns
        .iter()
        .map(|column| ExpectedColumn::new(column, column.sql_type.into()))
        .collect();
    let expected = Expected {
        path: table.path,
        create_table: table.create_table,
        columns: &columns,
        link: None,
    };
    let mut problems = compare::problems(expected, &live, DB::CAN_ALTER_COLUMNS);
    if problems.is_empty() {
        let no_column = |_, _: &mut DB::Arguments| Ok(());
        problems = plan::<DB>(
            connection,
            &table.statements,
            no_column,
            table.path,
            table.privileges,
            role(&live),
        )
        .await?;
    }
    for problem in &mut problems {
        problem.message = format!("{}: {}", table.holds, problem.message);
    }
    Ok(problems)
}

/// The database user, quoted.
fn role(live: &Live) -> &str {
    match live {
        Live::Table(table) => &table.role,
        Live::Missing { .. } => "",
    }
}
