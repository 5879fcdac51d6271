//! Writes one row: by the upsert, or by an insertion if the row did not exist a moment ago.

use sqlx::Connection as _;

use super::bookkeeping::{is_inserted, written};
use super::dialect::Dialect;
use super::error::{WriteError, commit_error, unique_violation};
use super::hooks::run_hook;
use super::sql_store::SqlStore;
use super::write_permits::{Patience, WritePermit};
use crate::row::{BoundKey, StoredIn};
use crate::sync::model::observation::Observation;
use crate::sync::model::row::Upserted;

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// Returns the parameters of every statement that writes one row, and the bound key.
    pub(super) fn bound(observation: &Observation<'_, U>) -> Result<(DB::Arguments, BoundKey), sqlx::Error> {
        let mut arguments = DB::Arguments::default();
        U::bind(
            &observation.claims,
            observation.version.as_millis(),
            &mut arguments,
        )
        .map_err(sqlx::Error::Encode)?;
        let key = Self::bind_key(observation, &mut arguments)?;
        Ok((arguments, key))
    }

    /// Writes a row on a separate connection.
    pub(super) async fn write_row(
        &self,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        let write = move |permit| async move {
            let mut connection = self.connections.acquire_to_write(permit).await?;
            let written = match connection.is_transaction() {
                true => self.upsert_with_hook(&mut connection, observation).await,
                false => self.write_on(&mut connection, observation).await,
            };
            connection.end(written, commit_error::<U>).await
        };
        let written = self.tried(observation.clerk_id(), write).await?;
        self.after_commit(observation.clerk_id(), written).await
    }

    /// Runs the upsert, and the application's hook if the row was inserted or linked.
    pub(crate) async fn upsert_with_hook(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        let written = self.upsert(connection, observation).await?;
        if let Some(on_insert) = &self.on_insert
            && written.inserted
        {
            let user = &written.stored.user;
            run_hook::<DB, U>(connection, WriteError::OnInsert, &**on_insert, user).await?;
        }
        if let Some(on_link) = &self.on_link
            && written.linked
        {
            let user = &written.stored.user;
            run_hook::<DB, U>(connection, WriteError::OnLink, &**on_link, user).await?;
        }
        Ok(written)
    }

    pub(super) async fn upsert(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        let clerk_id = observation.clerk_id();
        let (arguments, key) = Self::bound(observation)?;
        let has_key = matches!(key, BoundKey::Key);
        if let BoundKey::Invalid(problem) = key {
            self.refuse_key(connection, observation, problem).await?;
        }
        if let Some(written) = self.upsert_row(connection, clerk_id, arguments).await? {
            return Ok(written);
        }
        if self.select_tombstone(connection, clerk_id).await? {
            return Err(WriteError::UserDeleted);
        }
        if has_key {
            return self.link_or_upsert(connection, observation).await;
        }
        if U::SELECT_REFERENCES.is_some() {
            if !self.select_references(connection, clerk_id).await? {
                return Err(WriteError::ReferenceMissing);
            }
            // Another transaction may have inserted the referenced rows since.
            let (arguments, _) = Self::bound(observation)?;
            if let Some(written) = self.upsert_row(connection, clerk_id, arguments).await? {
                return Ok(written);
            }
        }
        // A trigger has skipped the row.
        Err(sqlx::Error::RowNotFound.into())
    }

    /// Returns whether the rows that a membership references exist; true for any other kind of row.
    pub(super) async fn select_references(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
    ) -> Result<bool, sqlx::Error> {
        let Some(select) = U::SELECT_REFERENCES else {
            return Ok(true);
        };
        let found = DB::fetch_optional(connection, select, DB::key(clerk_id)?).await?;
        Ok(found.is_some())
    }

    /// Runs [`StoredIn::UPSERT`] with the values of [`bound`](Self::bound). Returns `None` if it returned no row.
    pub(super) async fn upsert_row(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        mut arguments: DB::Arguments,
    ) -> Result<Option<Upserted<U>>, WriteError> {
        if Self::ANNOUNCES {
            DB::add_text(&mut arguments, &self.sender)?;
        }
        let written = DB::upsert::<U>(&mut *connection, clerk_id, arguments)
            .await
            .map_err(unique_violation)?;
        match written {
            Some(written) => self.after_triggers(connection, clerk_id, written).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the row after its triggers, except for those that are deferred to the commit.
    pub(super) async fn after_triggers(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        mut written: Upserted<U>,
    ) -> Result<Upserted<U>, WriteError> {
        if self.after_triggers.exist
            && let Some(stored) = self.select(connection, clerk_id).await?
        {
            written.stored = stored;
        }
        Ok(written)
    }

    /// Writes with one statement, or in a separate transaction if that is not enough.
    pub(super) async fn write_on(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        if self.on_insert.is_none() && self.on_link.is_none() && !DB::UPSERT_IN_TRANSACTION {
            return self.upsert(connection, observation).await;
        }
        let mut transaction = connection.begin_with(DB::BEGIN).await?;
        let written = self.upsert_with_hook(&mut transaction, observation).await?;
        transaction.commit().await.map_err(commit_error::<U>)?;
        Ok(written)
    }

    /// Runs [`StoredIn::SELECT_OR_INSERT`], or [`StoredIn::INSERT`] if the database has no such statement. Returns
    /// `None` if the outcome is unknown.
    pub(super) async fn select_or_insert(
        &self,
        observation: &Observation<'_, U>,
        permit: WritePermit,
    ) -> Result<Option<Upserted<U>>, WriteError> {
        let sql = U::SELECT_OR_INSERT.unwrap_or(U::INSERT);
        let (arguments, key) = Self::bound(observation)?;
        if let BoundKey::Invalid(_) = key {
            return Ok(None);
        }
        if permit.patience() != Patience::Patient {
            return Ok(None);
        }
        let mut connection = self.connections.acquire_to_write(permit).await?;
        // Reads all rows, because a deferred constraint is checked at the end of the statement.
        let rows = DB::fetch_all(&mut *connection, sql, arguments).await;
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                return match connection.end(Err(error), |error| error).await {
                    // A read may succeed although the insertion fails, for example because of another user's e-mail
                    // address or a read-only server.
                    Err(sqlx::Error::Database(_)) => Ok(None),
                    failed => failed.map_err(WriteError::from),
                };
            }
        };
        let mut found = None;
        if let Some(row) = rows.first() {
            let inserted = is_inserted::<DB>(row)?;
            let written = written::<DB, U>(row, inserted)?;
            found = Some(match inserted {
                true => {
                    self.after_triggers(&mut connection, observation.clerk_id(), written)
                        .await?
                }
                false => written,
            });
        }
        match connection.end(Ok(()), |error| error).await {
            Err(sqlx::Error::Database(_)) => return Ok(None),
            done => done?,
        }
        let Some(written) = found else {
            return Ok(None);
        };
        self.after_commit(observation.clerk_id(), written).await.map(Some)
    }

    /// Runs [`StoredIn::INSERT`]. Returns `None` if a row or a tombstone exists by now.
    pub(super) async fn insert_alone(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Option<Upserted<U>>, WriteError> {
        let (arguments, key) = Self::bound(observation)?;
        if let BoundKey::Invalid(_) = key {
            return Ok(None);
        }
        // Reads all rows: SQLite commits a statement at its end, and sqlx would otherwise stop at the first row.
        let rows = DB::fetch_all(&mut *connection, U::INSERT, arguments)
            .await
            .map_err(unique_violation)?;
        match rows.first() {
            Some(row) => {
                let written = written::<DB, U>(row, true)?;
                self.after_triggers(connection, observation.clerk_id(), written)
                    .await
                    .map(Some)
            }
            None => Ok(None),
        }
    }
}
