//! The parts of statements: quoted names, parameters, and conditions about a user's row.

use super::model::{Deletion, Model, Table};
use super::parse::Database;

pub(super) fn parameter(database: Database, number: usize) -> String {
    match database {
        Database::Postgres => format!("${number}"),
        Database::Sqlite => format!("?{number}"),
    }
}

/// Returns the struct's columns in the order of its fields, each followed by a comma.
pub(super) fn columns(model: &Model) -> String {
    let columns = model.columns.iter();
    columns
        .map(|it| format!("{}, ", column(model, &it.name)))
        .collect()
}

/// Returns the version, and whether the row is a tombstone.
pub(super) fn bookkeeping(model: &Model) -> String {
    format!(
        "{}, {} AS \"clerk_deleted\"",
        column(model, &model.version_column),
        deleted(model)
    )
}

/// Returns the condition that the row's user was deleted.
pub(super) fn deleted(model: &Model) -> String {
    match &model.deletion {
        Deletion::Mark(deleted_at) => format!("{} IS NOT NULL", column(model, deleted_at)),
        Deletion::Remove(tombstones) => has_tombstone(tombstones, &key(model)),
    }
}

pub(super) fn not_deleted(model: &Model) -> String {
    match &model.deletion {
        Deletion::Mark(deleted_at) => format!("{} IS NULL", column(model, deleted_at)),
        Deletion::Remove(tombstones) => format!("NOT {}", has_tombstone(tombstones, &key(model))),
    }
}

/// Returns the condition that a Clerk user id has a tombstone.
pub(super) fn has_tombstone(tombstones: &Table, clerk_id: &str) -> String {
    has_row(tombstones, "clerk_id", clerk_id)
}

/// Returns the condition that a Clerk user id has a row in a table.
pub(super) fn has_row(table: &Table, key: &str, clerk_id: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM {} WHERE {}.{} = {clerk_id})",
        qualified(table),
        quote(&table.name),
        quote(key)
    )
}

pub(super) fn qualified(table: &Table) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&table.name)),
        None => quote(&table.name),
    }
}

/// Qualifies a column with its table's name. SQLite reads an unknown quoted name as a string; a qualified one is an
/// error.
pub(super) fn column(model: &Model, name: &str) -> String {
    format!("{}.{}", quote(&model.table.name), quote(name))
}

/// Returns the column by which rows are found.
pub(super) fn key(model: &Model) -> String {
    column(model, key_name(model))
}

pub(super) fn key_name(model: &Model) -> &str {
    model.key().map_or("clerk_id", |key| &key.name)
}

/// Quotes an identifier for both databases, which preserves reserved words and capitals.
pub(super) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
