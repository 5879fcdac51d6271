//! The text of every statement. Identifiers are quoted, values are parameters.

use super::link_sql::{LinkStatements, link};
use super::model::{ClaimColumn, Column, Deletion, Encoding, Model};
use super::parse::Database;
use super::sql_parts::{
    bookkeeping, column, columns, deleted, has_tombstone, key, not_deleted, parameter, qualified, quote,
};
use super::upsert_sql::{Upsert, UpsertMany};

/// The statements of one database.
pub(super) struct Statements {
    pub(super) select: String,
    /// `None` if a single row cannot be locked.
    pub(super) select_for_update: Option<String>,
    pub(super) select_many: String,
    pub(super) select_ids: String,
    pub(super) upsert: String,
    pub(super) insert: String,
    /// `None` if a single statement cannot do both.
    pub(super) select_or_insert: Option<String>,
    pub(super) upsert_many: UpsertMany,
    pub(super) raise_version: String,
    pub(super) raise_version_many: String,
    pub(super) tombstone: String,
    pub(super) tombstones: Option<TombstoneStatements>,
    pub(super) link: Option<LinkStatements>,
    pub(super) claim_columns: Vec<ClaimColumnStatements>,
}

/// The additional statements for a table of tombstones.
pub(super) struct TombstoneStatements {
    /// `tombstones` or `schema.tombstones`.
    pub(super) table: String,
    pub(super) create_table: String,
    pub(super) select: String,
    pub(super) select_many: String,
    pub(super) delete: String,
}

/// The statements that find rows with the same value, for a unique violation.
pub(super) struct ClaimColumnStatements {
    pub(super) name: String,
    /// The name of the claim.
    pub(super) claim: String,
    pub(super) unique_in_clerk: bool,
    pub(super) holder: String,
    pub(super) holder_ignoring_case: String,
    /// `None` for a column that cannot be null.
    pub(super) give_way: Option<String>,
}

impl Database {
    /// Returns the type of a timestamp.
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
        let key = key(model);
        let row = columns(model) + &bookkeeping(model);
        let [first, second] = [1, 2].map(|number| parameter(database, number));
        let upsert = Upsert::new(model, database);
        let select = format!("SELECT {row} FROM {table} WHERE {key} = {first}");
        Self {
            select_for_update: match database {
                Database::Postgres => Some(format!("{select} FOR UPDATE")),
                // A transaction that begins with `BEGIN IMMEDIATE` blocks every other writer.
                Database::Sqlite => None,
            },
            select,
            select_or_insert: upsert.select_or_insert(),
            select_many: format!(
                "SELECT {row}, {key} AS \"clerk_found\" FROM {table} WHERE {key} {}",
                one_of(database)
            ),
            select_ids: format!(
                "SELECT {key} FROM {table} WHERE {key} > {first} AND {not_deleted} ORDER BY {key} \
                 LIMIT {second}",
                not_deleted = not_deleted(model),
            ),
            upsert: upsert.one(),
            insert: upsert.insert(),
            upsert_many: upsert.many(),
            raise_version_many: raise_version_many(model, database),
            raise_version: format!(
                "UPDATE {table} SET {raised} = {second} WHERE {key} = {first} AND {version} < {second}{live}",
                raised = quote(&model.version_column),
                // An ended membership can end again, at a newer version.
                live = match &model.references {
                    Some(_) => String::new(),
                    None => format!(" AND {}", not_deleted(model)),
                },
            ),
            // A version above 0 marks the row as one that sync has written.
            tombstone: match &model.deletion {
                Deletion::Mark(deleted_at) => format!(
                    "UPDATE {table} SET {deleted} = CURRENT_TIMESTAMP, {raised} = CASE WHEN {version} < 1 THEN 1 ELSE \
                     {version} END WHERE {key} = {first} AND {not_deleted}",
                    deleted = quote(deleted_at),
                    raised = quote(&model.version_column),
                    not_deleted = not_deleted(model),
                ),
                Deletion::Remove(tombstones) => format!(
                    "INSERT INTO {} (\"clerk_id\") VALUES ({first}) ON CONFLICT (\"clerk_id\") DO NOTHING",
                    qualified(tombstones),
                ),
            },
            tombstones: match &model.deletion {
                Deletion::Mark(_) => None,
                Deletion::Remove(tombstones) => Some(TombstoneStatements {
                    table: tombstones.path(),
                    create_table: format!(
                        "CREATE TABLE {} (\n    \"clerk_id\" TEXT NOT NULL PRIMARY KEY,\n    \"deleted_at\" {} NOT NULL \
                         DEFAULT CURRENT_TIMESTAMP\n)",
                        qualified(tombstones),
                        database.timestamp(),
                    ),
                    select: format!("SELECT {}", has_tombstone(tombstones, &first)),
                    select_many: format!(
                        "SELECT {name}.\"clerk_id\" FROM {} WHERE {name}.\"clerk_id\" {}",
                        qualified(tombstones),
                        one_of(database),
                        name = quote(&tombstones.name),
                    ),
                    delete: format!("DELETE FROM {table} WHERE {key} = {first}"),
                }),
            },
            link: link(model, database),
            claim_columns: model
                .written()
                .filter(|it| it.claim().is_some())
                .map(|it| claim_column(model, it, database))
                .collect(),
        }
    }
}

/// Returns the condition with a parameter that holds any number of Clerk user ids.
fn one_of(database: Database) -> &'static str {
    match database {
        Database::Postgres => "= ANY($1)",
        // SQLite has no arrays; a JSON array is read as a table.
        Database::Sqlite => "IN (SELECT value FROM json_each(?1))",
    }
}

/// Builds the statement. Its parameter is a JSON object of versions by Clerk user id, which both databases read as a
/// table.
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
         WHERE {key} = \"clerk_raised\".key AND {version} < {value} AND {not_deleted}",
        table = qualified(&model.table),
        raised = quote(&model.version_column),
        key = key(model),
        version = column(model, &model.version_column),
        not_deleted = not_deleted(model),
    )
}

fn claim_column(model: &Model, it: &Column, database: Database) -> ClaimColumnStatements {
    let table = qualified(&model.table);
    let key = key(model);
    let version = column(model, &model.version_column);
    let [first, second] = [1, 2].map(|number| parameter(database, number));
    let stored = column(model, &it.name);
    // The index allows at most one holder, but several rows may share a value that the index does not cover.
    let holder =
        |found: &str| format!("SELECT {key} FROM {table} WHERE {found} AND {key} <> {second} LIMIT 10");
    let folded = |value: &str| format!("lower(CAST({value} AS TEXT))");
    // PostgreSQL's `JSON` has no equality operator; only its text can be compared.
    let equal = match it.encoding {
        Encoding::Json => format!("CAST({stored} AS TEXT) = CAST({first} AS TEXT)"),
        Encoding::Own | Encoding::Text => format!("{stored} = {first}"),
    };
    ClaimColumnStatements {
        name: it.name.clone(),
        claim: it.claim().map(|claim| claim.claim.clone()).unwrap_or_default(),
        unique_in_clerk: it.claim().is_some_and(ClaimColumn::is_unique_in_clerk),
        holder: holder(&equal),
        holder_ignoring_case: holder(&format!("{} = {}", folded(&stored), folded(&first))),
        give_way: it.claim().is_some_and(ClaimColumn::gives_way).then(|| {
            format!(
                "UPDATE {table} SET {name} = NULL \
                 WHERE {key} = {first} AND ({version} < {second} OR {deleted})",
                name = quote(&it.name),
                deleted = deleted(model),
            )
        }),
    }
}
