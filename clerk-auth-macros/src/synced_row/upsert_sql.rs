//! The statements that insert a row, or update it unless the stored version is newer.

use super::link_sql::without_link;
use super::model::{Deletion, Model, Role};
use super::parse::Database;
use super::references_sql::References;
use super::sql_parts::{
    bookkeeping, column, columns, has_row, has_tombstone, key, key_name, not_deleted, parameter, qualified,
    quote,
};

/// An upsert of any number of rows: the text before and after the rows' parameters.
pub(super) struct UpsertMany {
    pub(super) before: String,
    pub(super) after: String,
    /// The number of parameters of one row.
    pub(super) parameters: usize,
}

/// The parts of which the statements are made.
pub(super) struct Upsert<'m> {
    model: &'m Model,
    database: Database,
    references: Option<References>,
    /// The quoted names of the columns that have a parameter, then of those that reference other rows.
    names: Vec<String>,
    /// A parameter for each of the first names.
    parameters: Vec<String>,
    /// The place of the Clerk id among the parameters.
    place: Option<usize>,
    /// The parameter with the Clerk id.
    clerk_id: String,
    /// The condition that no other row has the key of `link`.
    without_link: Option<String>,
    /// The condition that the user has no tombstone.
    without_tombstone: Option<String>,
}

impl<'m> Upsert<'m> {
    pub(super) fn new(model: &'m Model, database: Database) -> Self {
        let references = model.references.as_ref().map(|_| References::new(model));
        let written = model.written().map(|it| it.name.as_str());
        let mut names: Vec<String> = written
            .chain([model.version_column.as_str()])
            .map(quote)
            .collect();
        let parameters: Vec<String> = (1..=names.len())
            .map(|number| parameter(database, number))
            .collect();
        names.extend(references.iter().flat_map(|it| it.columns.clone()));
        let place = model.written().position(|it| matches!(it.role, Role::Key));
        let clerk_id = place.map_or_else(String::new, |place| parameters[place].clone());
        Self {
            without_link: without_link(model, database, parameters.len() + 1, &clerk_id),
            without_tombstone: match &model.deletion {
                Deletion::Mark(_) => None,
                Deletion::Remove(tombstones) => Some(format!("NOT {}", has_tombstone(tombstones, &clerk_id))),
            },
            model,
            database,
            references,
            names,
            parameters,
            place,
            clerk_id,
        }
    }

    /// Returns the statement that inserts the row, or updates it unless the stored version is newer. The update has no
    /// `WHERE`, so the statement always returns the winning row. The cost is a redundant write in the rare race that
    /// the statement loses.
    ///
    /// With a tombstone table, the statement returns no row for a user who has a tombstone. The check uses the
    /// statement's snapshot, so the store must detect a deletion that is committed meanwhile.
    pub(super) fn one(&self) -> String {
        format!(
            "{before}{row}{update}{announced}{bookkeeping}, {was_inserted}",
            before = self.before(),
            row = self.row(&[&self.without_link, &self.without_tombstone]),
            update = self.update(),
            announced = self.announcement(),
            bookkeeping = bookkeeping(self.model),
            was_inserted = self.was_inserted(),
        )
    }

    /// Returns the statement that inserts the row unless it exists. No process has cached a row that did not exist, so
    /// no notification is sent.
    pub(super) fn insert(&self) -> String {
        // Without this condition, a conflict would consume a value of the id sequence, which SQLite writes to the file.
        let without_row = match self.database {
            Database::Postgres => None,
            Database::Sqlite => Some(format!(
                "NOT {}",
                has_row(&self.model.table, key_name(self.model), &self.clerk_id)
            )),
        };
        format!(
            "{before}{row}{nothing}, {inserted} AS \"clerk_inserted\"",
            before = self.before(),
            row = self.row(&[&without_row, &self.without_link, &self.without_tombstone]),
            nothing = self.nothing(),
            inserted = match self.database {
                Database::Postgres => "true",
                Database::Sqlite => "1",
            }
        )
    }

    /// Returns the statement that reads the row, or inserts it. For an existing row, it writes and locks nothing, and
    /// consumes no sequence value. Returns `None` for SQLite, which does not support `INSERT` inside another statement.
    pub(super) fn select_or_insert(&self) -> Option<String> {
        if self.database == Database::Sqlite {
            return None;
        }
        let vacant = Some("NOT EXISTS (SELECT 1 FROM \"clerk_found\")".to_owned());
        Some(format!(
            "WITH \"clerk_found\" AS (SELECT {columns}{bookkeeping} FROM {table} WHERE {key} = {clerk_id}), \
             \"clerk_new\" AS ({before}{row}{nothing}) \
             SELECT *, false AS \"clerk_inserted\" FROM \"clerk_found\" UNION ALL SELECT *, true FROM \"clerk_new\"",
            columns = columns(self.model),
            bookkeeping = bookkeeping(self.model),
            table = qualified(&self.model.table),
            key = key(self.model),
            clerk_id = self.clerk_id,
            before = self.before(),
            row = self.row(&[&vacant, &self.without_link, &self.without_tombstone]),
            nothing = self.nothing(),
        ))
    }

    /// Returns the upsert of many rows. The store sends one announcement for all of them, and skips users with a
    /// tombstone. A condition here would need a `SELECT` from `VALUES`, with explicit parameter types.
    pub(super) fn many(&self) -> UpsertMany {
        let parameters = self.parameters.len();
        let after = format!(
            "{update}{bookkeeping}, {was_inserted}, {key} AS \"clerk_found\"",
            update = self.update(),
            bookkeeping = bookkeeping(self.model),
            was_inserted = self.was_inserted(),
            key = key(self.model),
        );
        let (Some(references), Some(place)) = (&self.references, self.place) else {
            return UpsertMany {
                before: self.before() + "VALUES ",
                after,
                parameters,
            };
        };
        // The keys of other rows are not parameters: the offered rows are joined with the referenced tables, and rows
        // without a match are skipped. Sorted, because writers that lock rows in one order do not deadlock.
        let names = &self.names[..parameters];
        let offered = |name: &String| format!("\"clerk_offered\".{name}");
        let clerk_id = offered(&names[place]);
        let selected = names.iter().map(offered).chain(references.values.iter().cloned());
        let selected: Vec<String> = selected.collect();
        let (from, joined) = references.source(self.database, &clerk_id);
        UpsertMany {
            before: format!(
                "{before}WITH \"clerk_offered\" ({names}) AS (VALUES ",
                before = self.before(),
                names = names.join(", "),
            ),
            after: format!(
                ") SELECT {selected} FROM \"clerk_offered\", {from} WHERE {joined} ORDER BY {clerk_id}{after}",
                selected = selected.join(", "),
                joined = joined.join(" AND "),
            ),
            parameters,
        }
    }

    fn before(&self) -> String {
        format!(
            "INSERT INTO {table} ({names}) ",
            table = qualified(&self.model.table),
            names = self.names.join(", "),
        )
    }

    /// Returns the row to insert under these conditions, if any.
    fn row(&self, conditions: &[&Option<String>]) -> String {
        let conditions: Vec<&str> = conditions.iter().filter_map(|it| it.as_deref()).collect();
        let Some(references) = &self.references else {
            return if conditions.is_empty() {
                format!("VALUES ({})", self.parameters.join(", "))
            } else {
                let selected = self.selected().join(", ");
                format!("SELECT {selected} WHERE {}", conditions.join(" AND "))
            };
        };
        let (from, joined) = references.source(self.database, &self.clerk_id);
        let conditions: Vec<&str> = joined.iter().map(String::as_str).chain(conditions).collect();
        let selected: Vec<String> = self
            .selected()
            .into_iter()
            .chain(references.values.clone())
            .collect();
        format!(
            "SELECT {selected} FROM {from} WHERE {conditions}",
            selected = selected.join(", "),
            conditions = conditions.join(" AND "),
        )
    }

    /// Returns the parameters in a `SELECT`, whose conditions repeat the Clerk id. A repeated parameter has one type,
    /// but the two columns may have different types.
    fn selected(&self) -> Vec<String> {
        let mut selected = self.parameters.clone();
        if let Some(place) = self.place {
            selected[place] = format!("CAST({} AS TEXT)", self.clerk_id);
        }
        selected
    }

    fn conflict(&self) -> String {
        format!(" ON CONFLICT ({key}) DO", key = quote(key_name(self.model)))
    }

    /// Keeps the row that exists, and returns only a row that was inserted.
    fn nothing(&self) -> String {
        format!(
            "{conflict} NOTHING RETURNING {columns}{bookkeeping}",
            conflict = self.conflict(),
            columns = columns(self.model),
            bookkeeping = bookkeeping(self.model),
        )
    }

    /// Updates the row that exists unless its version is newer, and returns the columns of the row.
    fn update(&self) -> String {
        let (model, version) = (self.model, &self.model.version_column);
        let (offered, stored) = (format!("excluded.{}", quote(version)), column(model, version));
        let newer = match self.references {
            // A removed member may return, at a newer version.
            Some(_) => format!(
                "{offered} >= {stored} AND ({} OR {offered} > {stored})",
                not_deleted(model)
            ),
            None => format!("{offered} >= {stored} AND {}", not_deleted(model)),
        };
        let set = |name: &str, value: &str| {
            let (name, stored) = (quote(name), column(model, name));
            format!("{name} = CASE WHEN {newer} THEN {value} ELSE {stored} END")
        };
        let excluded = |name: &str| set(name, &format!("excluded.{}", quote(name)));
        let updates = model.columns.iter().filter_map(|it| match &it.role {
            Role::Claim(claim) if !claim.insert_only => Some(excluded(&it.name)),
            Role::UpdatedAt => Some(set(&it.name, "CURRENT_TIMESTAMP")),
            _ => None,
        });
        let deleted_at = match (&self.references, &model.deletion) {
            (Some(_), Deletion::Mark(deleted_at)) => Some(set(deleted_at, "NULL")),
            _ => None,
        };
        let updates: Vec<String> = updates.chain([excluded(version)]).chain(deleted_at).collect();
        format!(
            "{conflict} UPDATE SET {updates} RETURNING {columns}",
            conflict = self.conflict(),
            updates = updates.join(", "),
            columns = columns(model),
        )
    }

    /// Returns the column that announces the write. Rows that are never cached need none.
    fn announcement(&self) -> String {
        let model = self.model;
        if !model.announces(self.database) {
            return String::new();
        }
        let linked = usize::from(self.without_link.is_some());
        format!(
            "pg_notify('clerk_auth', {}::text || ' {} ' || {})::text AS \"clerk_announced\", ",
            parameter(self.database, self.parameters.len() + 1 + linked),
            model.table.path().replace('\'', "''"),
            key(model),
        )
    }

    fn was_inserted(&self) -> &'static str {
        match self.database {
            Database::Postgres => "xmax = 0 AS \"clerk_inserted\"",
            Database::Sqlite => "0 AS \"clerk_inserted\"",
        }
    }
}
