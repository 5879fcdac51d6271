//! Writes one row: the upsert and what goes with it, or the insertion of a row that there was not a moment ago.

use sqlx::{Connection as _, Transaction};

use super::bookkeeping::{is_inserted, written};
use super::connection::Connection;
use super::dialect::Dialect;
use super::error::{WriteError, commit_error, unique_violation};
use super::hooks::run_hook;
use super::retry::forget_if_stale;
use super::sql_store::SqlStore;
use crate::sync::model::observation::Observation;
use crate::sync::model::row::Upserted;
use crate::user::StoredIn;

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// The parameters of every statement that writes one row.
    fn bound(observation: &Observation<'_, U>) -> Result<DB::Arguments, sqlx::Error> {
        let mut arguments = DB::Arguments::default();
        U::bind(
            &observation.claims,
            observation.version.milliseconds(),
            &mut arguments,
        )
        .map_err(sqlx::Error::Encode)?;
        Ok(arguments)
    }

    /// Writes a row on a separate connection.
    pub(super) async fn write_row(
        &self,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        let write = move |is_stuck| async move {
            match self.connections.acquire_to_write(is_stuck).await? {
                Connection::Plain(mut connection) => self.write_on(&mut connection, observation).await,
                Connection::Pooled(transaction) => self.upsert_and_commit(transaction, observation).await,
            }
        };
        let written = self.tried(observation.clerk_id(), write).await?;
        self.after_insertion(observation.clerk_id(), written).await
    }

    /// The upsert, and the application's hook if it inserted.
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
        Ok(written)
    }

    pub(super) async fn upsert(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        let mut arguments = Self::bound(observation)?;
        if Self::ANNOUNCES {
            DB::add_text(&mut arguments, &self.sender)?;
        }
        match DB::upsert::<U>(&mut *connection, observation.clerk_id(), arguments)
            .await
            .map_err(unique_violation)?
        {
            Some(written) => {
                self.after_triggers(connection, observation.clerk_id(), written)
                    .await
            }
            // A trigger skips the row, unless there is a tombstone.
            None => match self.select_tombstone(connection, observation.clerk_id()).await? {
                true => Err(WriteError::UserDeleted),
                false => Err(sqlx::Error::RowNotFound.into()),
            },
        }
    }

    /// The row as triggers have left it.
    async fn after_triggers(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
        mut written: Upserted<U>,
    ) -> Result<Upserted<U>, WriteError> {
        if DB::TRIGGERS_RUN_AFTER
            && let Some(stored) = self.select(connection, clerk_id).await?
        {
            written.stored = stored;
        }
        Ok(written)
    }

    /// Writes in a separate transaction if one statement is not enough.
    pub(super) async fn write_on(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        if self.on_insert.is_none() && !DB::UPSERT_IN_TRANSACTION {
            let written = self.upsert(connection, observation).await;
            return forget_if_stale::<DB, _, _>(connection, written).await;
        }
        let transaction = connection.begin_with(DB::BEGIN).await?;
        self.upsert_and_commit(transaction, observation).await
    }

    pub(super) async fn upsert_and_commit(
        &self,
        mut transaction: Transaction<'_, DB>,
        observation: &Observation<'_, U>,
    ) -> Result<Upserted<U>, WriteError> {
        let written = self.upsert_with_hook(&mut transaction, observation).await;
        let written = forget_if_stale::<DB, _, _>(&mut transaction, written).await?;
        transaction.commit().await.map_err(commit_error::<U>)?;
        Ok(written)
    }

    /// Runs [`StoredIn::SELECT_OR_INSERT`], or [`StoredIn::INSERT`] if the database has no such statement. Returns
    /// `None` if the outcome is unknown.
    pub(super) async fn select_or_insert(
        &self,
        observation: &Observation<'_, U>,
    ) -> Result<Option<Upserted<U>>, WriteError> {
        let sql = U::SELECT_OR_INSERT.unwrap_or(U::INSERT);
        let arguments = Self::bound(observation)?;
        let mut connection = self.connections.acquire().await?;
        // To the end, where a constraint that is deferred refuses.
        let rows = DB::fetch_all(&mut *connection, sql, arguments).await;
        let rows = match forget_if_stale::<DB, _, _>(&mut connection, rows).await {
            // An error that forbids the insertion need not forbid the read: another's e-mail address, or a read-only
            // server.
            Err(sqlx::Error::Database(_)) => return Ok(None),
            rows => rows?,
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
        match connection.done().await {
            Err(sqlx::Error::Database(_)) => return Ok(None),
            done => done?,
        }
        let Some(written) = found else {
            return Ok(None);
        };
        self.after_insertion(observation.clerk_id(), written)
            .await
            .map(Some)
    }

    /// Runs [`StoredIn::INSERT`]; `None` if there is a row by now, or a tombstone.
    pub(super) async fn insert_alone(
        &self,
        connection: &mut DB::Connection,
        observation: &Observation<'_, U>,
    ) -> Result<Option<Upserted<U>>, WriteError> {
        let arguments = Self::bound(observation)?;
        // To the end: SQLite commits a statement when it is done, and sqlx leaves it at the first row otherwise.
        let rows = DB::fetch_all(&mut *connection, U::INSERT, arguments)
            .await
            .map_err(unique_violation);
        let rows = forget_if_stale::<DB, _, _>(connection, rows).await?;
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
