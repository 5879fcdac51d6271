//! The text of every statement. Identifiers are quoted, values are parameters.

use super::model::{Column, Model, Role, Table};
use super::parse::Database;

/// The statements of one database.
pub(super) struct Statements {
    pub(super) select: String,
    pub(super) upsert: String,
    pub(super) raise_version: String,
    pub(super) tombstone: String,
}

/// A piece of `CREATE TABLE`: text, or what the runtime crate knows of a column's Rust type.
pub(super) enum Ddl<'a> {
    Text(String),
    /// The type's name, and `NOT NULL` where the type holds no null.
    Column(&'a Column),
    /// The type's name and what makes it a generated primary key.
    PrimaryKey(&'a Column),
    /// The type's name, `NOT NULL`, and the database's default for what it generates.
    Generated(&'a Column),
    /// The type's name, `NOT NULL`, and a default, so that sync can insert a row.
    App(&'a Column),
}

impl Statements {
    pub(super) fn of(model: &Model, database: Database) -> Self {
        let table = qualified(&model.table);
        let version = column(model, &model.version_column);
        let deleted_at = column(model, &model.deleted_at_column);
        let key = column(model, model.key().map_or("clerk_id", |key| &key.name));
        let row = row(model);
        let [first, second] = [1, 2].map(|number| parameter(database, number));
        Self {
            select: format!("SELECT {row} FROM {table} WHERE {key} = {first}"),
            upsert: upsert(model, database),
            raise_version: format!(
                "UPDATE {table} SET {raised} = {second} \
                 WHERE {key} = {first} AND {version} < {second} AND {deleted_at} IS NULL",
                raised = quote(&model.version_column),
            ),
            tombstone: format!(
                "UPDATE {table} SET {deleted} = CURRENT_TIMESTAMP WHERE {key} = {first} AND {deleted_at} IS NULL",
                deleted = quote(&model.deleted_at_column),
            ),
        }
    }
}

fn parameter(database: Database, number: usize) -> String {
    match database {
        Database::Postgres => format!("${number}"),
        Database::Sqlite => format!("?{number}"),
    }
}

/// The struct's columns in the order of its fields, the version, and whether the row is a tombstone.
fn row(model: &Model) -> String {
    let columns = model.columns.iter().map(|it| column(model, &it.name));
    let columns: Vec<String> = columns.chain([column(model, &model.version_column)]).collect();
    format!(
        "{}, {} IS NOT NULL AS \"clerk_deleted\"",
        columns.join(", "),
        column(model, &model.deleted_at_column)
    )
}

/// Inserts, or updates where the version is not older. Without a `WHERE` the statement always returns the row that won,
/// at the price of a pointless write in the rare race that it loses.
fn upsert(model: &Model, database: Database) -> String {
    let version = &model.version_column;
    let newer = format!(
        "excluded.{} >= {} AND {} IS NULL",
        quote(version),
        column(model, version),
        column(model, &model.deleted_at_column)
    );
    let set = |name: &str, value: &str| {
        let stored = column(model, name);
        format!(
            "{} = CASE WHEN {newer} THEN {value} ELSE {stored} END",
            quote(name)
        )
    };
    let excluded = |name: &str| set(name, &format!("excluded.{}", quote(name)));

    let inserted = model
        .written()
        .map(|it| it.name.as_str())
        .chain([version.as_str()]);
    let inserted: Vec<String> = inserted.map(quote).collect();
    let values: Vec<String> = (1..=inserted.len())
        .map(|number| parameter(database, number))
        .collect();
    let updates = model.columns.iter().filter_map(|it| match &it.role {
        Role::Claim(claim) if !claim.insert_only => Some(excluded(&it.name)),
        Role::UpdatedAt => Some(set(&it.name, "CURRENT_TIMESTAMP")),
        _ => None,
    });
    let updates: Vec<String> = updates.chain([excluded(version)]).collect();
    let was_inserted = match database {
        Database::Postgres => "xmax = 0 AS \"clerk_inserted\"",
        Database::Sqlite => "0 AS \"clerk_inserted\"",
    };
    format!(
        "INSERT INTO {table} ({inserted}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {updates} \
         RETURNING {row}, {was_inserted}",
        table = qualified(&model.table),
        inserted = inserted.join(", "),
        values = values.join(", "),
        key = quote(model.key().map_or("clerk_id", |key| &key.name)),
        updates = updates.join(", "),
        row = row(model),
    )
}

/// `CREATE TABLE`, over several lines.
pub(super) fn create_table(model: &Model, database: Database) -> Vec<Ddl<'_>> {
    let mut parts = vec![Ddl::Text(format!("CREATE TABLE {} (\n", qualified(&model.table)))];
    for column in &model.columns {
        parts.push(Ddl::Text(format!("    {} ", quote(&column.name))));
        parts.push(match &column.role {
            Role::Generated if column.name == "id" => Ddl::PrimaryKey(column),
            Role::Generated | Role::UpdatedAt => Ddl::Generated(column),
            Role::App => Ddl::App(column),
            Role::Key | Role::Claim(_) => Ddl::Column(column),
        });
        let unique = if matches!(column.role, Role::Key) {
            " UNIQUE"
        } else {
            ""
        };
        parts.push(Ddl::Text(format!("{unique},\n")));
    }
    let timestamp = match database {
        Database::Postgres => "TIMESTAMPTZ",
        Database::Sqlite => "TEXT",
    };
    parts.push(Ddl::Text(format!(
        "    {} BIGINT NOT NULL,\n    {} {timestamp}\n)",
        quote(&model.version_column),
        quote(&model.deleted_at_column),
    )));
    parts
}

fn qualified(table: &Table) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&table.name)),
        None => quote(&table.name),
    }
}

/// A column with its table's name in front, by which both databases know the row. SQLite reads a quoted name that is no
/// column as a text; with the table in front it is an error.
fn column(model: &Model, name: &str) -> String {
    format!("{}.{}", quote(&model.table.name), quote(name))
}

/// An identifier in double quotes, as both databases read it: reserved words and capitals keep.
fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
