//! The part of an insertion that finds the rows referenced by a membership.
//!
//! A macro does not see the other structs. A special character represents each of their names in the text, and the
//! runtime crate replaces it at compile time.

use super::model::{Model, Referenced};
use super::parse::Database;
use super::sql_parts::{parameter, quote};

/// The table of users, its column with the Clerk user id, and the column that other tables reference.
const USER: [char; 3] = ['\u{1}', '\u{2}', '\u{3}'];

/// Like [`USER`], for organizations.
const ORGANIZATION: [char; 3] = ['\u{4}', '\u{5}', '\u{6}'];

/// The columns of the membership that reference other rows, and their values.
pub(super) struct References {
    pub(super) columns: Vec<String>,
    pub(super) values: Vec<String>,
}

impl References {
    pub(super) fn new(model: &Model) -> Self {
        let columns = model.reference_columns();
        let (columns, values) = columns
            .map(|(column, referenced)| {
                let [_, _, key] = names(referenced);
                let row = alias(referenced);
                (quote(&column.name), format!("\"{row}\".\"{key}\""))
            })
            .unzip();
        Self { columns, values }
    }

    /// Returns the tables to join, and the conditions that find the rows. The key of a membership is the Clerk user id, a
    /// colon, and the Clerk organization id.
    pub(super) fn source(&self, database: Database, key: &str) -> (String, [String; 2]) {
        let tables = [Referenced::User, Referenced::Organization].map(|referenced| {
            let [table, _, _] = names(referenced);
            format!("\"{table}\" AS \"{}\"", alias(referenced))
        });
        let parts = match database {
            Database::Postgres => [1, 2].map(|part| format!("split_part(CAST({key} AS TEXT), ':', {part})")),
            Database::Sqlite => [
                format!("substr({key}, 1, instr({key}, ':') - 1)"),
                format!("substr({key}, instr({key}, ':') + 1)"),
            ],
        };
        let [user, organization] = parts;
        let condition = |referenced: Referenced, part: String| {
            let [_, clerk_id, _] = names(referenced);
            format!("\"{}\".\"{clerk_id}\" = {part}", alias(referenced))
        };
        (
            tables.join(", "),
            [
                condition(Referenced::User, user),
                condition(Referenced::Organization, organization),
            ],
        )
    }
}

/// Returns the statement that finds both rows.
pub(super) fn select(model: &Model, database: Database) -> String {
    let (tables, conditions) = References::new(model).source(database, &parameter(database, 1));
    format!("SELECT 1 FROM {tables} WHERE {}", conditions.join(" AND "))
}

/// Returns the clause of a column that references another row.
pub(super) fn clause(referenced: Referenced) -> String {
    let [table, _, key] = names(referenced);
    format!(" REFERENCES \"{table}\" (\"{key}\") ON DELETE CASCADE")
}

fn names(referenced: Referenced) -> [char; 3] {
    match referenced {
        Referenced::User => USER,
        Referenced::Organization => ORGANIZATION,
    }
}

fn alias(referenced: Referenced) -> &'static str {
    match referenced {
        Referenced::User => "clerk_user",
        Referenced::Organization => "clerk_organization",
    }
}
