//! The required form of a column: its definition, with the type that sqlx names at run time.

use std::borrow::Cow;

use sqlx::Database;

use super::Problem;
use super::live::Catalogue;
use crate::row::{self, ColumnDefinition, StoredIn};

/// The required form of a column.
#[derive(Clone, Debug)]
pub(super) struct ExpectedColumn<'a> {
    /// Its name, unquoted.
    pub(super) name: &'a str,
    pub(super) sql_type: Cow<'a, str>,
    /// The clauses that follow the type.
    pub(super) clauses: &'a [&'a str],
    /// True if sync inserts the value.
    pub(super) inserted: bool,
}

impl<'a> ExpectedColumn<'a> {
    pub(super) fn new(column: &'a ColumnDefinition, sql_type: Cow<'a, str>) -> Self {
        Self {
            name: column.name,
            sql_type,
            clauses: column.clauses,
            inserted: column.inserted,
        }
    }
}

/// Returns the columns of a struct.
pub(super) fn columns<U: StoredIn<DB>, DB: Database>() -> Vec<ExpectedColumn<'static>> {
    let columns = U::COLUMNS.iter().enumerate();
    columns
        .map(|(place, column)| ExpectedColumn::new(column, row::sql_type::<U, DB>(place)))
        .collect()
}

/// Lists the custom types that the database lacks. No statement is suggested, because only the application knows the
/// values of an enum. Once the type exists, the suggested statements for its columns succeed.
pub(super) async fn missing_types<U, DB>(
    connection: &mut DB::Connection,
    columns: &[ExpectedColumn<'_>],
) -> Result<Vec<Problem>, sqlx::Error>
where
    U: StoredIn<DB>,
    DB: Catalogue,
{
    let mut problems: Vec<Problem> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let (name, sql_type) = (column.name, &column.sql_type);
        if U::type_info(place).is_some() && !DB::has_type(connection, sql_type).await? {
            problems.push(Problem {
                message: format!(
                    "there is no type `{sql_type}` in the schemas that the database user searches, which the column \
                     `{name}` needs: create the type first; if it is an enum, with `CREATE TYPE {sql_type} AS ENUM (…)`"
                ),
                fix: None,
            });
        }
    }
    Ok(problems)
}
