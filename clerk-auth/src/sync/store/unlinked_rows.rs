//! Finds rows without a Clerk user by a value, and links them to users.
//!
//! The statements are not in [`StoredIn::statements`], because no request runs them, and they depend on a column's type
//! in the live table. Their texts consist of the derive's constants.

use super::bookkeeping::{last_id, written};
use super::comparison::Comparison;
use super::dialect::Dialect;
use super::error::{WriteError, commit_error, unique_violation};
use super::hooks::run_hook;
use super::retry::forget_if_stale;
use super::sql_store::SqlStore;
use crate::claim::Expression;
use crate::row::StoredIn;
use crate::schema::{quote, quote_path};
use crate::sync::model::linking::{LinkBy, MatchedRows, UnlinkedRow};

/// The statements that link rows by one column.
#[derive(Clone, Debug)]
pub(crate) struct LinkingStatements {
    /// Finds rows by values (parameter 1). Columns: the value's index, the numbers of rows without a Clerk user and of
    /// others. Then the value and the primary key of one row without a Clerk user.
    matches: String,
    /// Lists all rows without a Clerk user: value and primary key.
    list: String,
    /// Links the row with a value (parameter 2) to a Clerk user (parameter 1). Columns: those of [`StoredIn::SELECT`],
    /// then whether the row was inserted.
    claim: String,
    /// True if the primary key is a column of its own, and not the Clerk user id.
    pub(crate) has_local_key: bool,
}

impl LinkingStatements {
    fn new<DB: Dialect, U: StoredIn<DB>>(column: &str, comparison: &Comparison) -> Self {
        let table = quote_path(U::TABLE);
        let name = quote(U::TABLE.rsplit('.').next().unwrap_or(U::TABLE));
        let qualified = |column: &str| format!("{name}.{}", quote(column));
        // The version follows the struct's columns, and the deletion mark the version.
        let fields = U::COLUMNS.len() - 1 - usize::from(U::TOMBSTONES.is_none());
        let key = U::CLERK_ID;
        let version = U::COLUMNS[fields].name;
        let is_kept = U::COLUMNS
            .get(fields + 1)
            .map(|deleted_at| format!(" AND {} IS NULL", qualified(deleted_at.name)));
        let is_kept = is_kept.unwrap_or_default();
        let clerk_id = qualified(key);
        // Clerk's ids begin with this prefix; a row without a user has null or a placeholder.
        let unlinked =
            format!("({clerk_id} IS NULL OR substr(CAST({clerk_id} AS TEXT), 1, 5) <> 'user_'){is_kept}");
        let (stored, local) = (qualified(column), qualified(U::LOCAL_KEY));
        let of_unlinked = |column: &str| format!("min(CASE WHEN {unlinked} THEN CAST({column} AS TEXT) END)");
        let matches = format!(
            "SELECT \"clerk_value\".\"place\", count(*) FILTER (WHERE {unlinked}), count(*) FILTER (WHERE NOT ({unlinked})), \
             {value}, {id} FROM {values} JOIN {table} ON {equal} GROUP BY \"clerk_value\".\"place\"",
            value = of_unlinked(&stored),
            id = of_unlinked(&local),
            values = DB::TEXTS,
            equal = comparison.equal(&stored, "\"clerk_value\".\"value\""),
        );
        let list =
            format!("SELECT CAST({stored} AS TEXT), CAST({local} AS TEXT) FROM {table} WHERE {unlinked}");
        let tombstone = U::TOMBSTONES.map(|tombstones| {
            let table = quote_path(tombstones.table);
            format!(" AND NOT EXISTS (SELECT 1 FROM {table} AS \"clerk_gone\" WHERE \"clerk_gone\".\"clerk_id\" = $1)")
        });
        let columns: Vec<String> = U::COLUMNS[..=fields]
            .iter()
            .map(|it| qualified(it.name))
            .collect();
        let (bare_key, bare_version, text) = (quote(key), quote(version), "CAST($2 AS TEXT)");
        let claim = format!(
            "UPDATE {table} SET {bare_key} = $1, {bare_version} = 0 WHERE {unlinked} AND {equal} \
             AND (SELECT count(*) FROM {table} AS \"clerk_other\" WHERE {equal_other}) = 1 \
             AND NOT EXISTS (SELECT 1 FROM {table} AS \"clerk_own\" WHERE \"clerk_own\".{bare_key} = $1){tombstone} \
             RETURNING {columns}, {no}, {no}",
            equal = comparison.equal(&stored, text),
            equal_other = comparison.equal(&format!("\"clerk_other\".{}", quote(column)), text),
            tombstone = tombstone.unwrap_or_default(),
            columns = columns.join(", "),
            no = DB::FALSE,
        );
        Self {
            matches,
            list,
            claim,
            has_local_key: U::LOCAL_KEY != key,
        }
    }
}

/// Returns the column that holds the value, if the struct has one.
fn linking_column<DB: Dialect, U: StoredIn<DB>>(by: LinkBy) -> Option<&'static str> {
    let expression = |claim: &str| {
        let mut claims = U::TEMPLATE.iter();
        claims.find(|it| it.name == claim).map(|it| it.expression)
    };
    let is_value = |expression| matches!(expression, Expression::Shortcode(path) if path == by.shortcode());
    // `{{user.external_id || user.id}}` is also a valid key of `link(…)`.
    let begins_with_value = |expression| match expression {
        Expression::Chain([first, ..]) => is_value(*first),
        expression => is_value(expression),
    };
    U::LINK
        .filter(|link| by == LinkBy::ExternalId && expression(link.claim).is_some_and(begins_with_value))
        .map(|link| link.column)
        .or_else(|| {
            let mut columns = U::CLAIM_COLUMNS.iter();
            let column = columns.find(|column| expression(column.claim).is_some_and(is_value));
            column.map(|column| column.name)
        })
}

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Returns the statements; `None` if the struct has no column of the value.
    pub(super) async fn read_linking_statements(
        &self,
        by: LinkBy,
    ) -> Result<Option<LinkingStatements>, sqlx::Error> {
        let Some(column) = linking_column::<DB, U>(by) else {
            return Ok(None);
        };
        let mut connection = self.connections.acquire().await?;
        let comparison = DB::comparison(&mut connection, U::TABLE, column).await;
        let comparison = connection.end(comparison).await?;
        Ok(Some(LinkingStatements::new::<DB, U>(column, &comparison)))
    }

    /// Returns the users who have a row or a tombstone, and whether they are deleted.
    pub(super) async fn select_users(&self, clerk_ids: &[&str]) -> Result<Vec<(String, bool)>, sqlx::Error> {
        let rows = self.connections.fetch_all(U::SELECT_MANY, DB::many(clerk_ids)?);
        let mut users = Vec::new();
        for row in &rows.await? {
            users.push((last_id::<DB>(row)?, DB::boolean(row, sqlx::Row::len(row) - 2)?));
        }
        if let Some(tombstones) = U::TOMBSTONES {
            let rows = self
                .connections
                .fetch_all(tombstones.select_many, DB::many(clerk_ids)?);
            for row in &rows.await? {
                users.push((last_id::<DB>(row)?, true));
            }
        }
        Ok(users)
    }

    pub(super) async fn select_matches(
        &self,
        statements: &LinkingStatements,
        values: &[&str],
    ) -> Result<Vec<MatchedRows>, sqlx::Error> {
        let mut connection = self.connections.acquire().await?;
        let (sql, arguments) = (statements.matches.clone(), DB::many(values)?);
        let rows = DB::fetch_all_of(&mut connection, sql, arguments, false).await;
        let rows = connection.end(rows).await?;
        let matched = |row: &DB::Row| {
            Ok(MatchedRows {
                place: usize::try_from(DB::integer(row, 0)?).unwrap_or_default(),
                unlinked: DB::integer(row, 1)?,
                others: DB::integer(row, 2)?,
                row: UnlinkedRow {
                    value: DB::optional_text(row, 3)?,
                    id: DB::optional_text(row, 4)?,
                },
            })
        };
        rows.iter().map(matched).collect()
    }

    pub(super) async fn select_unlinked(
        &self,
        statements: &LinkingStatements,
    ) -> Result<Vec<UnlinkedRow>, sqlx::Error> {
        let mut connection = self.connections.acquire().await?;
        let rows = DB::fetch_texts(&mut connection, statements.list.clone()).await;
        let rows = connection.end(rows).await?;
        Ok(rows
            .into_iter()
            .map(|[value, id]| UnlinkedRow { value, id })
            .collect())
    }

    /// Links a row to a user, with the application's hook in the same transaction. Returns false unless exactly one
    /// such row exists, and the user has neither a row nor a tombstone.
    pub(super) async fn claim_unlinked(
        &self,
        statements: &LinkingStatements,
        value: &str,
        clerk_id: &str,
    ) -> Result<bool, WriteError> {
        let mut transaction = self.connections.begin().await?;
        let claimed = self.claim_on(&mut transaction, statements, value, clerk_id).await;
        let claimed = forget_if_stale::<DB, _, _>(&mut transaction, claimed).await?;
        transaction.commit().await.map_err(commit_error::<U>)?;
        Ok(claimed && !(self.has_tombstone_by_now(clerk_id).await?))
    }

    async fn claim_on(
        &self,
        connection: &mut DB::Connection,
        statements: &LinkingStatements,
        value: &str,
        clerk_id: &str,
    ) -> Result<bool, WriteError> {
        let mut arguments = DB::key(clerk_id)?;
        DB::add_text(&mut arguments, value)?;
        let rows = DB::fetch_all_of(&mut *connection, statements.claim.clone(), arguments, true);
        let rows = rows.await.map_err(unique_violation)?;
        let Some(row) = rows.first() else {
            return Ok(false);
        };
        let linked = written::<DB, U>(row, false)?;
        let linked = self.after_triggers(&mut *connection, clerk_id, linked).await?;
        if let Some(on_link) = &self.on_link {
            let user = &linked.stored.user;
            run_hook::<DB, U>(connection, WriteError::OnLink, &**on_link, user).await?;
        }
        Ok(true)
    }

    /// Checks for a concurrent deletion after a link; see [`SqlStore::after_commit`].
    async fn has_tombstone_by_now(&self, clerk_id: &str) -> Result<bool, WriteError> {
        if U::TOMBSTONES.is_none() || !DB::LOCKS_ROWS {
            return Ok(false);
        }
        self.delete_leftover(clerk_id).await
    }
}
