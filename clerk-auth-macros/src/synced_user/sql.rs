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
        let version = quote(&model.version_column);
        let deleted_at = quote(&model.deleted_at_column);
        let key = quote(model.key().map_or("clerk_id", |column| &column.name));
        let parameter = |number: usize| match database {
            Database::Postgres => format!("${number}"),
            Database::Sqlite => format!("?{number}"),
        };
        let columns: Vec<String> = model.columns.iter().map(|column| quote(&column.name)).collect();
        let columns = columns.join(", ");
        let first = parameter(1);
        Self {
            select: format!(
                "SELECT {columns}, {version}, {deleted_at} IS NOT NULL FROM {table} WHERE {key} = {first}"
            ),
            upsert: upsert(model, database, &parameter),
            raise_version: format!(
                "UPDATE {table} SET {version} = {second} \
                 WHERE {key} = {first} AND {version} < {second} AND {deleted_at} IS NULL",
                second = parameter(2)
            ),
            tombstone: format!(
                "UPDATE {table} SET {deleted_at} = CURRENT_TIMESTAMP WHERE {key} = {first} AND {deleted_at} IS NULL"
            ),
        }
    }
}

/// Inserts, or updates where the version is not older. Without a `WHERE` the statement always returns the row that won,
/// at the price of a pointless write in the rare race that it loses.
fn upsert(model: &Model, database: Database, parameter: &dyn Fn(usize) -> String) -> String {
    let version = quote(&model.version_column);
    let deleted_at = quote(&model.deleted_at_column);
    let key = quote(model.key().map_or("clerk_id", |column| &column.name));
    let newer = format!("excluded.{version} >= \"stored\".{version} AND \"stored\".{deleted_at} IS NULL");
    let set = |column: &str, value: &str| {
        format!("{column} = CASE WHEN {newer} THEN {value} ELSE \"stored\".{column} END")
    };

    let mut inserted: Vec<String> = model.written().map(|column| quote(&column.name)).collect();
    inserted.push(version.clone());
    let values: Vec<String> = (1..=inserted.len()).map(parameter).collect();
    let mut updates: Vec<String> = Vec::new();
    for column in &model.columns {
        let name = quote(&column.name);
        match &column.role {
            Role::Claim(claim) if !claim.insert_only => updates.push(set(&name, &format!("excluded.{name}"))),
            Role::UpdatedAt => updates.push(set(&name, "CURRENT_TIMESTAMP")),
            _ => {}
        }
    }
    updates.push(set(&version, &format!("excluded.{version}")));
    let returned: Vec<String> = model.columns.iter().map(|column| quote(&column.name)).collect();
    let was_inserted = match database {
        Database::Postgres => "xmax = 0",
        Database::Sqlite => "0",
    };
    format!(
        "INSERT INTO {table} AS \"stored\" ({inserted}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {updates} \
         RETURNING {returned}, {version}, {deleted_at} IS NOT NULL, {was_inserted}",
        table = qualified(&model.table),
        inserted = inserted.join(", "),
        values = values.join(", "),
        updates = updates.join(", "),
        returned = returned.join(", "),
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

/// An identifier in double quotes, as both databases read it: reserved words and capitals keep.
fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
