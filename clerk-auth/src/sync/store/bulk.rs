//! Writes many rows in one statement, by the same rules as a single upsert.

use std::collections::HashSet;

use serde_json::{Map, Value};
use sqlx::Transaction;

use super::bookkeeping::{last_id, written_of_many};
use super::dialect::Dialect;
use super::error::{WriteError, commit_error, unique_violation};
use super::hooks::run_hook;
use super::retry::forget_if_stale;
use super::sql_store::SqlStore;
use crate::row::{BoundKey, StoredIn};
use crate::sync::model::announcement::announcement;
use crate::sync::model::observation::Observation;
use crate::sync::model::row::UpsertedRow;
use crate::sync::model::version::Version;

/// The maximum number of parameters that both databases accept: SQLite's limit (`SQLITE_MAX_VARIABLE_NUMBER`). The
/// limit of PostgreSQL's protocol is 65,535.
const MAX_PARAMETERS: usize = 32_766;

/// The maximum number of rows per statement: the size of Clerk's pages, so that all full pages of an import share one
/// prepared statement.
const MAX_ROWS: usize = 500;

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Writes the rows of different users in one transaction, which also runs the hook for new rows.
    pub(super) async fn upsert_many(
        &self,
        rows: &[Observation<'_, U>],
    ) -> Result<Vec<UpsertedRow>, WriteError> {
        let mut transaction = self.connections.begin().await?;
        let written = self.upsert_and_announce(&mut transaction, rows).await;
        let written = forget_if_stale::<DB, _, _>(&mut transaction, written).await?;
        transaction.commit().await.map_err(commit_error::<U>)?;
        self.without_deleted(written).await
    }

    async fn upsert_and_announce(
        &self,
        transaction: &mut Transaction<'_, DB>,
        rows: &[Observation<'_, U>],
    ) -> Result<Vec<UpsertedRow>, WriteError> {
        let rows = self.without_tombstones(transaction, rows).await?;
        let mut written = Vec::with_capacity(rows.len());
        let rows = self.link_rows(transaction, rows, &mut written).await?;
        let most_rows = (MAX_PARAMETERS / U::UPSERT_MANY.parameters().max(1)).clamp(1, MAX_ROWS);
        for rows in rows.chunks(most_rows) {
            let is_full = rows.len() == most_rows;
            written.extend(self.upsert_rows(transaction, rows, is_full).await?);
        }
        if Self::ANNOUNCES {
            let clerk_ids = written.iter().map(|row| &*row.clerk_id);
            let payload = announcement(&self.sender, U::TABLE, clerk_ids);
            DB::announce(transaction, &payload).await?;
        }
        Ok(written)
    }

    /// Removes rows of users whom a concurrent transaction has deleted; see [`SqlStore::after_commit`].
    async fn without_deleted(&self, mut written: Vec<UpsertedRow>) -> Result<Vec<UpsertedRow>, WriteError> {
        if U::TOMBSTONES.is_none() || !DB::LOCKS_ROWS {
            return Ok(written);
        }
        let inserted: Vec<&str> = written
            .iter()
            .filter(|row| row.inserted || row.linked)
            .map(|row| &*row.clerk_id)
            .collect();
        if inserted.is_empty() {
            return Ok(written);
        }
        let rows = self.read_rows(&inserted).await?;
        for (clerk_id, _) in rows.into_iter().filter(|(_, stored)| stored.deleted) {
            self.delete_leftover(&clerk_id).await?;
            written.retain(|row| row.clerk_id != clerk_id);
        }
        Ok(written)
    }

    /// Returns the rows whose users are not recorded as deleted.
    async fn without_tombstones<'a, 'o>(
        &self,
        transaction: &mut Transaction<'_, DB>,
        rows: &'a [Observation<'o, U>],
    ) -> Result<Vec<&'a Observation<'o, U>>, sqlx::Error> {
        let deleted = match U::TOMBSTONES {
            Some(tombstones) => found::<DB, U>(transaction, tombstones.select_many, rows.iter()).await?,
            None => HashSet::new(),
        };
        let is_left = |row: &&Observation<'_, U>| !deleted.contains(row.clerk_id());
        Ok(rows.iter().filter(is_left).collect())
    }

    /// Links rows to users who have a key and no row, with a statement per row. Returns the other rows.
    async fn link_rows<'a, 'o>(
        &self,
        transaction: &mut Transaction<'_, DB>,
        rows: Vec<&'a Observation<'o, U>>,
        written: &mut Vec<UpsertedRow>,
    ) -> Result<Vec<&'a Observation<'o, U>>, WriteError> {
        if U::LINK.is_none() {
            return Ok(rows);
        }
        let existing = found::<DB, U>(transaction, U::SELECT_MANY, rows.iter().copied()).await?;
        let mut others = Vec::with_capacity(rows.len());
        for row in rows {
            let linked = if existing.contains(row.clerk_id()) {
                None
            } else {
                match Self::bind_key(row, &mut DB::Arguments::default())? {
                    BoundKey::None => None,
                    BoundKey::Key => self.link(transaction, row).await?,
                    BoundKey::Invalid(problem) => {
                        self.refuse_key(transaction, row, problem).await?;
                        None
                    }
                }
            };
            let Some(linked) = linked else {
                others.push(row);
                continue;
            };
            if let Some(on_link) = &self.on_link {
                let user = &linked.stored.user;
                run_hook::<DB, U>(transaction, WriteError::OnLink, &**on_link, user).await?;
            }
            written.push(UpsertedRow {
                clerk_id: row.clerk_id().to_owned(),
                version: linked.stored.version,
                deleted: linked.stored.deleted,
                inserted: false,
                linked: true,
            });
        }
        Ok(others)
    }

    async fn upsert_rows(
        &self,
        transaction: &mut Transaction<'_, DB>,
        rows: &[&Observation<'_, U>],
        is_full: bool,
    ) -> Result<Vec<UpsertedRow>, WriteError> {
        let existing = if DB::UPSERT_IN_TRANSACTION {
            Some(found::<DB, U>(transaction, U::SELECT_MANY, rows.iter().copied()).await?)
        } else {
            None
        };
        let mut arguments = DB::Arguments::default();
        for row in rows {
            U::bind(&row.claims, row.version.as_millis(), &mut arguments).map_err(sqlx::Error::Encode)?;
        }
        let sql = U::UPSERT_MANY.to_sql(rows.len());
        let found = DB::fetch_all_of(transaction, sql, arguments, is_full)
            .await
            // Upserts of single rows then show which row caused it.
            .map_err(unique_violation)?;
        let mut written = Vec::with_capacity(found.len());
        for row in &found {
            let mut one = written_of_many::<DB>(row)?;
            if let Some(existing) = &existing {
                one.inserted = !existing.contains(&one.clerk_id);
            }
            if let Some(on_insert) = &self.on_insert
                && one.inserted
            {
                let user = U::from_row(row, 0)?;
                run_hook::<DB, U>(transaction, WriteError::OnInsert, &**on_insert, &user).await?;
            }
            written.push(one);
        }
        Ok(written)
    }

    pub(super) async fn update_versions(&self, versions: &[(&str, Version)]) -> Result<(), sqlx::Error> {
        let versions: Map<String, Value> = versions
            .iter()
            .map(|(clerk_id, version)| ((*clerk_id).to_owned(), version.as_millis().into()))
            .collect();
        let mut arguments = DB::Arguments::default();
        let versions = Value::from(versions).to_string();
        DB::add_text(&mut arguments, &versions)?;
        self.connections.execute(U::RAISE_VERSION_MANY, arguments).await
    }

    pub(super) async fn select_ids(&self, clerk_id: &str, most: i64) -> Result<Vec<String>, sqlx::Error> {
        let mut arguments = DB::Arguments::default();
        DB::add_text(&mut arguments, clerk_id)?;
        DB::add_integer(&mut arguments, most)?;
        let rows = self.connections.fetch_all(U::SELECT_IDS, arguments).await?;
        rows.iter().map(last_id::<DB>).collect()
    }
}

/// Returns the users that a statement finds; its last column is the Clerk user id.
async fn found<'a, DB: Dialect, U: StoredIn<DB>>(
    transaction: &mut Transaction<'_, DB>,
    sql: &'static str,
    rows: impl Iterator<Item = &'a Observation<'a, U>>,
) -> Result<HashSet<String>, sqlx::Error> {
    let clerk_ids: Vec<&str> = rows.map(Observation::clerk_id).collect();
    let found = DB::fetch_all(transaction, sql, DB::many(&clerk_ids)?).await?;
    found.iter().map(last_id::<DB>).collect()
}
