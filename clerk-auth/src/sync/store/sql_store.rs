//! The statements of a struct, run against a pool.

use std::future::Future;
use std::sync::Arc;

use sqlx::Database;

use super::after_triggers::AfterTriggers;
use super::bookkeeping::{selected, selected_of_many};
use super::connection::Connections;
use super::dialect::Dialect;
use super::hooks::{Hook, OnEvent};
use super::normalized::Normalized;
use super::retry::{Failed, repeated};
use super::sqlstate::ErrorKind;
use super::stuck::Stuck;
use super::write_permits::{Patience, WritePermit, WritePermits};
use crate::row::StoredIn;
use crate::sync::model::announcement::announcement;
use crate::sync::model::row::StoredRow;
use crate::sync::model::version::Version;

/// Rows of `U` in a database.
pub(crate) struct SqlStore<U, DB: Database> {
    pub(crate) connections: Connections<DB>,
    pub(crate) on_insert: Option<Hook<U, DB>>,
    pub(crate) on_link: Option<Hook<U, DB>>,
    pub(crate) on_delete: Option<Hook<U, DB>>,
    pub(crate) on_event: Option<OnEvent<DB>>,
    /// The id by which this handle recognizes its own announcements.
    pub(crate) sender: Arc<str>,
    /// True if the database has a table of denials.
    pub(crate) shares_denials: bool,
    pub(crate) after_triggers: AfterTriggers,
    pub(crate) stuck: Stuck,
    pub(crate) permits: Arc<WritePermits>,
    pub(crate) normalized: Normalized<U>,
}

impl<DB: Dialect, U: StoredIn<DB>> SqlStore<U, DB> {
    /// True if writes are announced. Rows that are never cached need no announcement.
    pub(super) const ANNOUNCES: bool = DB::ANNOUNCES && !U::FRESH_FOR.is_zero();

    pub(super) fn announcement_of(&self, clerk_id: &str) -> String {
        announcement(&self.sender, U::TABLE, std::iter::once(clerk_id))
    }

    /// Runs work, and repeats it if a retry can succeed.
    pub(super) fn repeated<T, E, F>(&self, work: impl FnMut() -> F) -> impl Future<Output = Result<T, E>>
    where
        E: Failed,
        F: Future<Output = Result<T, E>>,
    {
        repeated(self.connections.most(), work)
    }

    /// Runs work that may wait for a row's lock, and repeats it if a retry can succeed.
    pub(super) async fn tried<T, E, F>(&self, clerk_id: &str, work: impl Fn(WritePermit) -> F) -> Result<T, E>
    where
        E: Failed,
        F: Future<Output = Result<T, E>>,
    {
        let attempt = self.stuck.attempt(clerk_id);
        let (waits, work) = (&attempt, &work);
        let done = self.repeated(|| async move {
            let permit = self.permits.acquire(self.stuck.contains(clerk_id)).await;
            let patience = permit.patience();
            let done = work(permit).await;
            if patience != Patience::Patient && failure(&done) == Some(ErrorKind::Race) {
                waits.record();
            }
            done
        });
        let done = done.await;
        attempt.end(failure(&done));
        done
    }

    /// Reads a row on a separate connection.
    pub(super) fn read_row<'a>(
        &'a self,
        clerk_id: &'a str,
    ) -> impl Future<Output = Result<Option<StoredRow<U>>, sqlx::Error>> + Send + 'a {
        self.repeated(move || async move {
            let mut connection = self.connections.acquire().await?;
            let stored = self.select(&mut connection, clerk_id).await;
            connection.end(stored).await
        })
    }

    /// Reads the existing rows of these users, with their Clerk user ids.
    pub(super) fn read_rows<'a>(
        &'a self,
        clerk_ids: &'a [&'a str],
    ) -> impl Future<Output = Result<Vec<(String, StoredRow<U>)>, sqlx::Error>> + Send + 'a {
        self.repeated(move || async move {
            let rows = self
                .connections
                .fetch_all(U::SELECT_MANY, DB::many(clerk_ids)?)
                .await?;
            rows.iter().map(selected_of_many::<DB, U>).collect()
        })
    }

    pub(crate) async fn select(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
    ) -> Result<Option<StoredRow<U>>, sqlx::Error> {
        Self::select_by(connection, U::SELECT, clerk_id).await
    }

    /// Locks the row until the end of the transaction.
    pub(super) async fn select_and_lock(
        &self,
        connection: &mut DB::Connection,
        clerk_id: &str,
    ) -> Result<Option<StoredRow<U>>, sqlx::Error> {
        Self::select_by(connection, U::SELECT_FOR_UPDATE, clerk_id).await
    }

    async fn select_by(
        connection: &mut DB::Connection,
        sql: &'static str,
        clerk_id: &str,
    ) -> Result<Option<StoredRow<U>>, sqlx::Error> {
        let row = DB::fetch_optional(connection, sql, DB::key(clerk_id)?).await?;
        row.map(|row| selected::<DB, U>(&row)).transpose()
    }
}

/// Returns the kind of the database error, if any.
fn failure<T, E: Failed>(done: &Result<T, E>) -> Option<ErrorKind> {
    done.as_ref().err().and_then(Failed::kind)
}

pub(crate) fn with_version<DB: Dialect>(
    clerk_id: &str,
    version: Version,
) -> Result<DB::Arguments, sqlx::Error> {
    let mut arguments = DB::key(clerk_id)?;
    DB::add_integer(&mut arguments, version.as_millis())?;
    Ok(arguments)
}
