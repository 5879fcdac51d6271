//! Keeps the connection on which a row was missing, for the following insertion.

use sqlx::Database;
use sqlx::pool::PoolConnection;

use super::dialect::Dialect;
use super::error::{WriteError, commit_error};
use super::hooks::StoreFuture;
use super::interface::VacantEntry;
use super::retry::may_be_repeated;
use super::sql_store::SqlStore;
use super::write_connection::WriteConnection;
use crate::row::StoredIn;
use crate::sync::model::observation::Observation;
use crate::sync::model::row::Upserted;

/// The connection on which a user's row was missing. The connection has just answered, so it needs no check before use.
pub(crate) struct ConnectedEntry<'s, U, DB: Database> {
    pub(crate) store: &'s SqlStore<U, DB>,
    pub(crate) connection: PoolConnection<DB>,
}

impl<DB: Dialect, U: StoredIn<DB>> VacantEntry<U> for ConnectedEntry<'_, U, DB> {
    fn insert<'a>(
        self: Box<Self>,
        observation: &'a Observation<'a, U>,
    ) -> StoreFuture<'a, Upserted<U>, WriteError>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let Self { store, connection } = *self;
            let is_stuck = store.stuck.contains(observation.clerk_id());
            let Some(permit) = store.permits.try_acquire().filter(|_| !is_stuck) else {
                drop(connection);
                return store.write_row(observation).await;
            };
            let mut connection = WriteConnection::of(connection, permit);
            let attempt = store.stuck.attempt(observation.clerk_id());
            let inserted = match store.on_insert {
                None => store.insert_alone(&mut connection, observation).await,
                // The hook needs a transaction around the insertion.
                Some(_) => Ok(None),
            };
            let written = match inserted {
                Ok(Some(inserted)) => Ok(inserted),
                Ok(None) => store.write_on(&mut connection, observation).await,
                Err(error) => Err(error),
            };
            let written = connection.end(written, commit_error::<U>).await;
            attempt.end(None);
            match written {
                // Retries on another connection.
                Err(error) if may_be_repeated(&error) => store.write_row(observation).await,
                written => store.after_commit(observation.clerk_id(), written?).await,
            }
        })
    }
}
