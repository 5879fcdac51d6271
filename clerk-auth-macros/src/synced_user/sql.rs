//! The text of every statement. Identifiers are quoted, values are parameters.

use super::model::{ClaimColumn, Column, Encoding, Model, Role, Table};
use super::parse::Database;

/// The statements of one database.
pub(super) struct Statements {
    pub(super) select: String,
    pub(super) select_many: String,
    pub(super) select_ids: String,
    pub(super) upsert: String,
    pub(super) upsert_many: UpsertMany,
    pub(super) raise_version: String,
    pub(super) raise_version_many: String,
    pub(super) tombstone: String,
    pub(super) claim_columns: Vec<ClaimColumnStatements>,
}

/// An upsert of any number of rows: what stands before and after their parameters, each row's in parentheses.
pub(super) struct UpsertMany {
    pub(super) before: String,
    pub(super) after: String,
    /// Of one row.
    pub(super) parameters: usize,
}

/// How a row is found that holds another row's value, which a unique index may forbid.
pub(super) struct ClaimColumnStatements {
    pub(super) name: String,
    pub(super) holder: String,
    pub(super) holder_ignoring_case: String,
    /// For a column that can be null.
    pub(super) give_way: Option<String>,
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

impl<'a> Ddl<'a> {
    pub(super) fn of(column: &'a Column) -> Self {
        match &column.role {
            Role::Generated if column.name == "id" => Self::PrimaryKey(column),
            Role::Generated | Role::UpdatedAt => Self::Generated(column),
            Role::App => Self::App(column),
            Role::Key | Role::Claim(_) => Self::Column(column),
        }
    }
}

impl Database {
    /// The type of a moment.
    pub(super) fn timestamp(self) -> &'static str {
        match self {
            Self::Postgres => "TIMESTAMPTZ",
            Self::Sqlite => "TEXT",
        }
    }
}

impl Statements {
    pub(super) fn of(model: &Model, database: Database) -> Self {
        let table = qualified(&model.table);
        let version = column(model, &model.version_column);
        let deleted_at = column(model, &model.deleted_at_column);
        let key = column(model, model.key().map_or("clerk_id", |key| &key.name));
        let row = columns(model) + &bookkeeping(model);
        let [first, second] = [1, 2].map(|number| parameter(database, number));
        let (upsert, upsert_many) = upsert(model, database);
        Self {
            select: format!("SELECT {row} FROM {table} WHERE {key} = {first}"),
            select_many: format!(
                "SELECT {row}, {key} AS \"clerk_found\" FROM {table} WHERE {key} {}",
                one_of(database)
            ),
            select_ids: format!(
                "SELECT {key} FROM {table} WHERE {key} > {first} AND {deleted_at} IS NULL ORDER BY {key} LIMIT {second}"
            ),
            upsert,
            upsert_many,
            raise_version_many: raise_version_many(model, database),
            raise_version: format!(
                "UPDATE {table} SET {raised} = {second} \
                 WHERE {key} = {first} AND {version} < {second} AND {deleted_at} IS NULL",
                raised = quote(&model.version_column),
            ),
            tombstone: format!(
                "UPDATE {table} SET {deleted} = CURRENT_TIMESTAMP WHERE {key} = {first} AND {deleted_at} IS NULL",
                deleted = quote(&model.deleted_at_column),
            ),
            claim_columns: model
                .written()
                .filter(|it| it.claim().is_some())
                .map(|it| claim_column(model, it, database))
                .collect(),
        }
    }
}

/// A parameter that holds any number of Clerk user ids.
fn one_of(database: Database) -> &'static str {
    match database {
        Database::Postgres => "= ANY($1)",
        // SQLite has no arrays; a JSON text of one is a table.
        Database::Sqlite => "IN (SELECT value FROM json_each(?1))",
    }
}

/// The parameter is a JSON object of versions by Clerk user id, which both databases read as a table.
fn raise_version_many(model: &Model, database: Database) -> String {
    let (each, value) = match database {
        Database::Postgres => (
            "json_each_text(CAST(CAST($1 AS TEXT) AS JSON))",
            "CAST(\"clerk_raised\".value AS BIGINT)",
        ),
        Database::Sqlite => ("json_each(?1)", "\"clerk_raised\".value"),
    };
    format!(
        "UPDATE {table} SET {raised} = {value} FROM {each} AS \"clerk_raised\" \
         WHERE {key} = \"clerk_raised\".key AND {version} < {value} AND {deleted_at} IS NULL",
        table = qualified(&model.table),
        raised = quote(&model.version_column),
        key = column(model, model.key().map_or("clerk_id", |key| &key.name)),
        version = column(model, &model.version_column),
        deleted_at = column(model, &model.deleted_at_column),
    )
}

fn claim_column(model: &Model, it: &Column, database: Database) -> ClaimColumnStatements {
    let table = qualified(&model.table);
    let key = column(model, model.key().map_or("clerk_id", |key| &key.name));
    let [version, deleted_at] =
        [&model.version_column, &model.deleted_at_column].map(|name| column(model, name));
    let [first, second] = [1, 2].map(|number| parameter(database, number));
    let stored = column(model, &it.name);
    let holder = |found: &str| format!("SELECT {key} FROM {table} WHERE {found} AND {key} <> {second}");
    let folded = |value: &str| format!("lower(CAST({value} AS TEXT))");
    // JSON of PostgreSQL knows no equality; nothing but its text can be compared.
    let equal = match it.encoding {
        Encoding::Json => format!("CAST({stored} AS TEXT) = CAST({first} AS TEXT)"),
        Encoding::Own | Encoding::Text => format!("{stored} = {first}"),
    };
    ClaimColumnStatements {
        name: it.name.clone(),
        holder: holder(&equal),
        holder_ignoring_case: holder(&format!("{} = {}", folded(&stored), folded(&first))),
        give_way: it.claim().is_some_and(ClaimColumn::can_be_cleared).then(|| {
            format!(
                "UPDATE {table} SET {name} = NULL \
                 WHERE {key} = {first} AND ({version} < {second} OR {deleted_at} IS NOT NULL)",
                name = quote(&it.name),
            )
        }),
    }
}

fn parameter(database: Database, number: usize) -> String {
    match database {
        Database::Postgres => format!("${number}"),
        Database::Sqlite => format!("?{number}"),
    }
}

/// The struct's columns in the order of its fields, each with a comma after it.
fn columns(model: &Model) -> String {
    let columns = model.columns.iter();
    columns
        .map(|it| format!("{}, ", column(model, &it.name)))
        .collect()
}

/// The version, and whether the row is a tombstone.
fn bookkeeping(model: &Model) -> String {
    format!(
        "{}, {} IS NOT NULL AS \"clerk_deleted\"",
        column(model, &model.version_column),
        column(model, &model.deleted_at_column)
    )
}

/// Inserts, or updates where the version is not older. Without a `WHERE` the statement always returns the row that won,
/// at the price of a pointless write in the rare race that it loses.
fn upsert(model: &Model, database: Database) -> (String, UpsertMany) {
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
    // Rows that every process reads each time need not be announced.
    let announced = if model.announces(database) {
        format!(
            "pg_notify('clerk_auth', {}::text || ' {} ' || {})::text AS \"clerk_announced\", ",
            parameter(database, inserted.len() + 1),
            model.table.path().replace('\'', "''"),
            column(model, model.key().map_or("clerk_id", |key| &key.name)),
        )
    } else {
        String::new()
    };
    let was_inserted = match database {
        Database::Postgres => "xmax = 0 AS \"clerk_inserted\"",
        Database::Sqlite => "0 AS \"clerk_inserted\"",
    };
    let before = format!(
        "INSERT INTO {table} ({inserted}) VALUES ",
        table = qualified(&model.table),
        inserted = inserted.join(", "),
    );
    let settled = format!(
        " ON CONFLICT ({key}) DO UPDATE SET {updates} RETURNING {columns}",
        key = quote(model.key().map_or("clerk_id", |key| &key.name)),
        updates = updates.join(", "),
        columns = columns(model),
    );
    let bookkeeping = bookkeeping(model);
    let one = format!(
        "{before}({values}){settled}{announced}{bookkeeping}, {was_inserted}",
        values = values.join(", "),
    );
    // One announcement for all rows is the store's to make.
    let many = UpsertMany {
        before,
        after: format!(
            "{settled}{bookkeeping}, {was_inserted}, {key} AS \"clerk_found\"",
            key = column(model, model.key().map_or("clerk_id", |key| &key.name)),
        ),
        parameters: inserted.len(),
    };
    (one, many)
}

impl UpsertMany {
    /// The text for two rows, which is that of any number.
    pub(super) fn of_two(&self, database: Database) -> String {
        let rows = [0, 1].map(|row| {
            let values = 1..=self.parameters;
            let values = values.map(|number| parameter(database, row * self.parameters + number));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        });
        format!("{}{}{}", self.before, rows.join(", "), self.after)
    }
}

/// `CREATE TABLE`, over several lines.
pub(super) fn create_table(model: &Model, database: Database) -> Vec<Ddl<'_>> {
    let mut parts = vec![Ddl::Text(format!("CREATE TABLE {} (\n", qualified(&model.table)))];
    for column in &model.columns {
        parts.push(Ddl::Text(format!("    {} ", quote(&column.name))));
        parts.push(Ddl::of(column));
        let unique = if matches!(column.role, Role::Key) {
            " UNIQUE"
        } else {
            ""
        };
        parts.push(Ddl::Text(format!("{unique},\n")));
    }
    let timestamp = database.timestamp();
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
