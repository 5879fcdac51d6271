//! Connections for writes that may wait for a lock of another transaction.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Database};
use tokio::runtime::Handle;

use super::connection::{Connection, Connections};
use super::dialect::Dialect;
use super::retry::{Failed, forget_if_stale};
use super::write_permits::{Patience, WritePermit};

/// The invariant before [`end`](WriteConnection::end).
const IN_USE: &str = "the connection is in use until its end";

/// A connection and the permit of its write.
///
/// If it is dropped during a statement, the statement continues to wait in the server. The permit is returned when the
/// server has answered. `None` after the end.
pub(super) struct WriteConnection<DB: Database>(Option<(Connection<DB>, WritePermit)>);

impl<DB: Dialect> Connections<DB> {
    /// Returns a connection for one write, in a transaction if the write must wait only briefly for locks.
    pub(super) async fn acquire_to_write(
        &self,
        permit: WritePermit,
    ) -> Result<WriteConnection<DB>, sqlx::Error> {
        if permit.patience() != Patience::Patient {
            return self.begin_to_write(permit).await;
        }
        Ok(WriteConnection::new(self.acquire().await?, permit))
    }

    /// Begins a transaction that will write.
    pub(super) async fn begin_to_write(
        &self,
        permit: WritePermit,
    ) -> Result<WriteConnection<DB>, sqlx::Error> {
        let begin = match (permit.patience(), self.transaction_pooling()) {
            (Patience::Patient, _) => None,
            (Patience::Brief, false) => Some("BEGIN; SET LOCAL lock_timeout = '10ms'"),
            (Patience::Brief, true) => Some("BEGIN; DEALLOCATE ALL; SET LOCAL lock_timeout = '10ms'"),
            (Patience::Stuck, false) => Some("BEGIN; SET LOCAL lock_timeout = '100ms'"),
            (Patience::Stuck, true) => Some("BEGIN; DEALLOCATE ALL; SET LOCAL lock_timeout = '100ms'"),
        };
        let transaction = match begin {
            Some(begin) => self.begin_with(begin).await?,
            None => self.begin().await?,
        };
        Ok(WriteConnection::new(Connection::Pooled(transaction), permit))
    }
}

impl<DB: Database> WriteConnection<DB> {
    fn new(connection: Connection<DB>, permit: WritePermit) -> Self {
        Self(Some((connection, permit)))
    }

    /// Uses a connection that is outside of a transaction.
    pub(super) fn of(connection: PoolConnection<DB>, permit: WritePermit) -> Self {
        Self::new(Connection::Plain(connection), permit)
    }

    /// Returns whether all statements are in one transaction.
    pub(super) fn is_transaction(&self) -> bool {
        matches!(self.0, Some((Connection::Pooled(_), _)))
    }
}

impl<DB: Dialect> WriteConnection<DB> {
    /// Ends work, successful or not. Until then, nothing may count as written. `failed` returns the error of a commit.
    pub(super) async fn end<T, E: Failed>(
        mut self,
        work: Result<T, E>,
        failed: impl FnOnce(sqlx::Error) -> E,
    ) -> Result<T, E> {
        let work = forget_if_stale::<DB, _, _>(&mut self, work).await;
        // The server has answered, so no statement waits any longer.
        let ended = self.0.take();
        let done = work?;
        if let Some((connection, _permit)) = ended {
            connection.done().await.map_err(failed)?;
        }
        Ok(done)
    }
}

impl<DB: Database> Drop for WriteConnection<DB> {
    fn drop(&mut self) {
        let (Some((connection, permit)), Ok(runtime)) = (self.0.take(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            // Both wait for the answer to the abandoned statement. If they fail, sqlx closes the connection.
            match connection {
                Connection::Plain(mut connection) => drop(connection.ping().await),
                Connection::Pooled(transaction) => drop(transaction.rollback().await),
            }
            drop(permit);
        });
    }
}

impl<DB: Database> Deref for WriteConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.0.as_ref().expect(IN_USE).0
    }
}

impl<DB: Database> DerefMut for WriteConnection<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.0.as_mut().expect(IN_USE).0
    }
}
