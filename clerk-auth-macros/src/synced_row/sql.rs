//! The text of every statement. Identifiers are quoted, values are parameters.

use super::link_sql::{LinkStatements, link, without_link};
use super::model::{ClaimColumn, Column, Deletion, Encoding, Model, Role};
use super::parse::Database;
use super::references_sql::References;
use super::sql_parts::{
    bookkeeping, column, columns, deleted, has_row, has_tombstone, key, key_name, not_deleted, parameter,
    qualified, quote,
};

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

/// The statements that write rows.
struct Upsert {
    one: String,
    insert: String,
    select_or_insert: Option<String>,
    many: UpsertMany,
}

/// An upsert of any number of rows: the text before and after the rows' parameters.
pub(super) struct UpsertMany {
    pub(super) before: String,
    pub(super) after: String,
    /// The number of parameters of one row.
    pub(super) parameters: usize,
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
        let Upsert {
            one: upsert,
            insert,
            select_or_insert,
            many: upsert_many,
        } = upsert(model, database);
        let select = format!("SELECT {row} FROM {table} WHERE {key} = {first}");
        Self {
            select_for_update: match database {
                Database::Postgres => Some(format!("{select} FOR UPDATE")),
                // A transaction that begins with `BEGIN IMMEDIATE` blocks every other writer.
                Database::Sqlite => None,
            },
            select,
            select_or_insert,
            select_many: format!(
                "SELECT {row}, {key} AS \"clerk_found\" FROM {table} WHERE {key} {}",
                one_of(database)
            ),
            select_ids: format!(
                "SELECT {key} FROM {table} WHERE {key} > {first} AND {not_deleted} ORDER BY {key} \
                 LIMIT {second}",
                not_deleted = not_deleted(model),
            ),
            upsert,
            insert,
            upsert_many,
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

/// Builds the statement that inserts the row, or updates it unless the stored version is newer. Without a `WHERE`, it
/// always returns the winning row, at the cost of a redundant write in the rare race that it loses.
///
/// With a tombstone table, the statement returns no row for a user who has a tombstone. The check uses the statement's
/// snapshot, so the store must detect a deletion that is committed meanwhile.
fn upsert(model: &Model, database: Database) -> Upsert {
    let version = &model.version_column;
    let references = model.references.as_ref().map(|_| References::new(model));
    let (offered, stored) = (format!("excluded.{}", quote(version)), column(model, version));
    let newer = match references {
        // A removed member may return, at a newer version.
        Some(_) => format!(
            "{offered} >= {stored} AND ({} OR {offered} > {stored})",
            not_deleted(model)
        ),
        None => format!("{offered} >= {stored} AND {}", not_deleted(model)),
    };
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
    let mut inserted: Vec<String> = inserted.map(quote).collect();
    let parameters = inserted.len();
    inserted.extend(references.iter().flat_map(|it| it.columns.clone()));
    let values: Vec<String> = (1..=parameters)
        .map(|number| parameter(database, number))
        .collect();
    // A repeated parameter has one type, but the two columns may have different types.
    let place = model.written().position(|it| matches!(it.role, Role::Key));
    let clerk_id = place.map_or_else(String::new, |place| values[place].clone());
    let mut selected = values.clone();
    if let Some(place) = place {
        selected[place] = format!("CAST({clerk_id} AS TEXT)");
    }
    selected.extend(references.iter().flat_map(|it| it.values.clone()));
    let selected = selected.join(", ");
    let source = references.as_ref().map(|it| it.source(database, &clerk_id));
    let without_tombstone = match &model.deletion {
        Deletion::Mark(_) => None,
        Deletion::Remove(tombstones) => Some(format!("NOT {}", has_tombstone(tombstones, &clerk_id))),
    };
    let row_if = |conditions: &[&Option<String>]| {
        let conditions: Vec<&str> = conditions.iter().filter_map(|it| it.as_deref()).collect();
        if let Some((from, joined)) = &source {
            let conditions: Vec<&str> = joined.iter().map(String::as_str).chain(conditions).collect();
            format!("SELECT {selected} FROM {from} WHERE {}", conditions.join(" AND "))
        } else if conditions.is_empty() {
            format!("VALUES ({})", values.join(", "))
        } else {
            format!("SELECT {selected} WHERE {}", conditions.join(" AND "))
        }
    };
    let without_link = without_link(model, database, parameters + 1, &clerk_id);
    let linked = usize::from(without_link.is_some());
    let updates = model.columns.iter().filter_map(|it| match &it.role {
        Role::Claim(claim) if !claim.insert_only => Some(excluded(&it.name)),
        Role::UpdatedAt => Some(set(&it.name, "CURRENT_TIMESTAMP")),
        _ => None,
    });
    let deleted_at = match (&references, &model.deletion) {
        (Some(_), Deletion::Mark(deleted_at)) => Some(set(deleted_at, "NULL")),
        _ => None,
    };
    let updates: Vec<String> = updates.chain([excluded(version)]).chain(deleted_at).collect();
    // Rows that are never cached need no announcement.
    let announced = if model.announces(database) {
        format!(
            "pg_notify('clerk_auth', {}::text || ' {} ' || {})::text AS \"clerk_announced\", ",
            parameter(database, parameters + 1 + linked),
            model.table.path().replace('\'', "''"),
            key(model),
        )
    } else {
        String::new()
    };
    let was_inserted = match database {
        Database::Postgres => "xmax = 0 AS \"clerk_inserted\"",
        Database::Sqlite => "0 AS \"clerk_inserted\"",
    };
    let before = format!(
        "INSERT INTO {table} ({inserted}) ",
        table = qualified(&model.table),
        inserted = inserted.join(", "),
    );
    let columns = columns(model);
    let conflict = format!(" ON CONFLICT ({key}) DO", key = quote(key_name(model)),);
    let settled = format!(
        "{conflict} UPDATE SET {updates} RETURNING {columns}",
        updates = updates.join(", "),
    );
    let bookkeeping = bookkeeping(model);
    // Without this condition, a conflict would consume a value of the id sequence, which SQLite writes to the file.
    let without_row = match database {
        Database::Postgres => None,
        Database::Sqlite => Some(format!(
            "NOT {}",
            has_row(&model.table, key_name(model), &clerk_id)
        )),
    };
    // No process has cached a row that did not exist, so no notification is sent.
    let insert = format!(
        "{before}{row}{conflict} NOTHING RETURNING {columns}{bookkeeping}, {inserted} AS \"clerk_inserted\"",
        row = row_if(&[&without_row, &without_link, &without_tombstone]),
        inserted = match database {
            Database::Postgres => "true",
            Database::Sqlite => "1",
        }
    );
    // For an existing row, the statement writes and locks nothing, and consumes no sequence value.
    let select_or_insert = match database {
        Database::Postgres => {
            let vacant = Some("NOT EXISTS (SELECT 1 FROM \"clerk_found\")".to_owned());
            Some(format!(
                "WITH \"clerk_found\" AS (SELECT {columns}{bookkeeping} FROM {table} WHERE {key} = {clerk_id}), \
                 \"clerk_new\" AS ({before}{row}{conflict} NOTHING RETURNING {columns}{bookkeeping}) \
                 SELECT *, false AS \"clerk_inserted\" FROM \"clerk_found\" UNION ALL SELECT *, true FROM \"clerk_new\"",
                table = qualified(&model.table),
                key = key(model),
                row = row_if(&[&vacant, &without_link, &without_tombstone]),
            ))
        }
        // SQLite does not support `INSERT` inside another statement.
        Database::Sqlite => None,
    };
    let one = format!(
        "{before}{row}{settled}{announced}{bookkeeping}, {was_inserted}",
        row = row_if(&[&without_link, &without_tombstone]),
    );
    // The store sends one announcement for all rows, and skips users with a tombstone. A condition here would need a
    // `SELECT` from `VALUES`, with explicit parameter types.
    let many = UpsertMany {
        before: before + "VALUES ",
        after: format!(
            "{settled}{bookkeeping}, {was_inserted}, {key} AS \"clerk_found\"",
            key = key(model),
        ),
        parameters,
    };
    // The keys of other rows are not parameters: the offered rows are joined with the referenced tables, and rows
    // without a match are skipped. Sorted, because writers that lock rows in one order do not deadlock.
    let many = match (&references, place) {
        (Some(references), Some(place)) => {
            let offered = |name: &String| format!("\"clerk_offered\".{name}");
            let names = &inserted[..parameters];
            let clerk_id = offered(&names[place]);
            let selected: Vec<String> = names
                .iter()
                .map(offered)
                .chain(references.values.iter().cloned())
                .collect();
            let (from, joined) = references.source(database, &clerk_id);
            UpsertMany {
                before: format!(
                    "INSERT INTO {table} ({inserted}) WITH \"clerk_offered\" ({names}) AS (VALUES ",
                    table = qualified(&model.table),
                    inserted = inserted.join(", "),
                    names = names.join(", "),
                ),
                after: format!(
                    ") SELECT {selected} FROM \"clerk_offered\", {from} WHERE {joined} ORDER BY {clerk_id}{}",
                    many.after,
                    selected = selected.join(", "),
                    joined = joined.join(" AND "),
                ),
                parameters,
            }
        }
        _ => many,
    };
    Upsert {
        one,
        insert,
        select_or_insert,
        many,
    }
}
