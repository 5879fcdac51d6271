//! Provides connections. Behind a pooler in transaction mode, each piece of work gets a transaction.

use std::ops::{Deref, DerefMut};

use sqlx::pool::{CloseEvent, PoolConnection};
use sqlx::{Connection as _, Database, Pool, Transaction};

use super::dialect::Dialect;
use super::retry::{Failed, forget_if_stale};

/// Begins a transaction in a session in which other clients may have left statements with the names that sqlx uses.
/// Dropping them harms no client: behind such a pooler, statements are never found again.
const BEGIN_POOLED: &str = "BEGIN; DEALLOCATE ALL";

/// A pool, and whether its connections go through a pooler in transaction mode. Other code has no access to the pool,
/// so every statement respects the mode.
pub(crate) struct Connections<DB: Database> {
    pool: Pool<DB>,
    transaction_pooling: bool,
}

/// A connection for one piece of work.
///
/// sqlx sends the text of a statement first, and then its parameters. Outside of a transaction, a pooler in transaction
/// mode may send the two to different sessions.
pub(crate) enum Connection<DB: Database> {
    Plain(PoolConnection<DB>),
    Pooled(Transaction<'static, DB>),
}

impl<DB: Dialect> Connections<DB> {
    pub(crate) fn new(pool: Pool<DB>, transaction_pooling: bool) -> Self {
        Self {
            pool,
            transaction_pooling,
        }
    }

    /// Returns a connection for reads, or for a single statement that writes.
    pub(crate) async fn acquire(&self) -> Result<Connection<DB>, sqlx::Error> {
        Ok(if self.transaction_pooling {
            Connection::Pooled(self.begin().await?)
        } else {
            Connection::Plain(self.acquire_idle().await?)
        })
    }

    /// Returns a connection that sqlx does not consider to be in a transaction.
    ///
    /// If a hook has ended its transaction by a statement, and is then cancelled with its request, sqlx's rollback
    /// fails on SQLite. The connection could then never begin another transaction.
    async fn acquire_idle(&self) -> Result<PoolConnection<DB>, sqlx::Error> {
        loop {
            let connection = self.pool.acquire().await?;
            if !connection.is_in_transaction() {
                return Ok(connection);
            }
            connection.close().await?;
        }
    }

    /// Returns whether each piece of work gets a transaction, because of a pooler.
    pub(super) fn transaction_pooling(&self) -> bool {
        self.transaction_pooling
    }

    pub(super) async fn begin_with(
        &self,
        begin: &'static str,
    ) -> Result<Transaction<'static, DB>, sqlx::Error> {
        let mut tries = self.most();
        loop {
            match self.pool.begin_with(begin).await {
                Err(sqlx::Error::InvalidSavePointStatement) if tries > 0 => drop(self.acquire_idle().await?),
                begun => return begun,
            }
            tries -= 1;
        }
    }

    /// Returns the maximum number of connections that the pool opens.
    pub(crate) fn most(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    /// Returns whether both use the same pool. Clones of a pool share its options.
    pub(super) fn shares_pool(&self, other: &Self) -> bool {
        std::ptr::eq(self.pool.options(), other.pool.options())
    }

    /// Returns an event that fires when the application closes the pool.
    pub(crate) fn close_event(&self) -> CloseEvent {
        self.pool.close_event()
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, DB>, sqlx::Error> {
        let begin = if self.transaction_pooling {
            BEGIN_POOLED
        } else {
            DB::BEGIN
        };
        self.begin_with(begin).await
    }
}

impl<DB: Dialect> Connections<DB> {
    /// Runs one statement on a separate connection, and returns its rows.
    pub(super) async fn fetch_all(
        &self,
        sql: &'static str,
        arguments: DB::Arguments,
    ) -> Result<Vec<DB::Row>, sqlx::Error> {
        let mut connection = self.acquire().await?;
        let rows = DB::fetch_all(&mut connection, sql, arguments).await;
        connection.end(rows).await
    }

    /// Runs one statement on a separate connection.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        arguments: DB::Arguments,
    ) -> Result<(), sqlx::Error> {
        let mut connection = self.acquire().await?;
        let done = DB::execute(&mut connection, sql, arguments).await;
        connection.end(done.map(drop)).await
    }
}

impl<DB: Dialect> Connection<DB> {
    /// Ends work, successful or not. Until then, nothing may count as written.
    pub(crate) async fn end<T, E>(mut self, work: Result<T, E>) -> Result<T, E>
    where
        E: Failed + From<sqlx::Error>,
    {
        let done = forget_if_stale::<DB, _, _>(&mut self, work).await?;
        self.done().await?;
        Ok(done)
    }
}

impl<DB: Database> Connection<DB> {
    /// Ends successful work. Until then, nothing may count as written.
    pub(crate) async fn done(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Pooled(transaction) => transaction.commit().await,
        }
    }
}

impl<DB: Database> Deref for Connection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Pooled(transaction) => transaction,
        }
    }
}

impl<DB: Database> DerefMut for Connection<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Pooled(transaction) => transaction,
        }
    }
}
