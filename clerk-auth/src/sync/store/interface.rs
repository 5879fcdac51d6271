//! A place where a user's row is kept: what sync asks of it, and what may come back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::Database;
use sqlx::error::DatabaseError;
use sqlx::pool::CloseEvent;

#[cfg(feature = "backend-api")]
use super::bulk::WrittenRow;
use super::delete::Deletion;
use super::denials::DenialChanges;
use super::normalized::Normalized;
use crate::deny_list::Denial;
use crate::sync::error::BoxError;
use crate::sync::flow::webhook::{Applied, Change};
#[cfg(feature = "backend-api")]
use crate::sync::model::observation::Observation;
use crate::sync::model::version::Version;
use crate::time::Timestamp;
use crate::user::SyncedUser;
use crate::webhook::Webhook;

/// A row and its bookkeeping.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Stored<U> {
    pub(crate) user: Arc<U>,
    pub(crate) version: Version,
    pub(crate) deleted: bool,
}

impl<U> Clone for Stored<U> {
    fn clone(&self) -> Self {
        Self {
            user: Arc::clone(&self.user),
            ..*self
        }
    }
}

/// The row after an upsert: the one that won, whoever wrote it.
#[derive(Debug)]
pub(crate) struct Written<U> {
    pub(crate) stored: Stored<U>,
    pub(crate) inserted: bool,
}

/// What a look at a user's row came to.
pub(crate) enum Looked<'s, U: SyncedUser> {
    Row(Stored<U>),
    /// There is none. The place holds a connection: who waits for anybody drops it first.
    Nothing(Option<Box<dyn Vacancy<U> + 's>>),
}

impl<U: SyncedUser> Looked<'_, U> {
    pub(crate) fn row(&self) -> Option<&Stored<U>> {
        match self {
            Self::Row(stored) => Some(stored),
            Self::Nothing(_) => None,
        }
    }
}

/// Where a row can be written at once.
pub(crate) trait Vacancy<U: SyncedUser>: Send {
    /// As [`Store::write`] does.
    fn fill<'a>(
        self: Box<Self>,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Written<U>, WriteError>
    where
        Self: 'a;
}

/// A unique index of the struct's own table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ViolatedIndex {
    /// Its name or, on SQLite, the message that describes it.
    pub(crate) name: String,
    /// The claim columns in its key, by their places.
    pub(crate) columns: Vec<usize>,
    /// Every column in its key is a claim whose value Clerk keeps unique.
    pub(crate) unique_in_clerk: bool,
}

/// Why a row could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The database failed.
    Database(sqlx::Error),
    /// A unique index holds one of the values for another row. Whether the index belongs to the struct's own table,
    /// [`Store::violated_index`] finds out.
    Taken(Box<dyn DatabaseError>),
    /// The application's hook failed, and nothing was inserted.
    OnInsert(BoxError),
    /// The application's hook failed, and nothing was deleted.
    OnDelete(BoxError),
    /// The application's hook failed, and nothing of the delivery was kept.
    OnEvent(BoxError),
    /// The user was deleted, and nothing was written.
    Gone,
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

pub(crate) type StoreFuture<'a, T, E = sqlx::Error> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// What the application does in the transaction that inserts or deletes a row.
pub(crate) type Hook<U, DB> = Arc<
    dyn for<'a> Fn(&'a mut <DB as Database>::Connection, &'a U) -> StoreFuture<'a, (), BoxError>
        + Send
        + Sync,
>;

/// A place where rows of `U` are kept. The database is erased here so that a handler's state need not name it.
pub(crate) trait Store<U: SyncedUser>: Send + Sync {
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<Stored<U>>>;

    /// The same for who will write a row if there is none.
    fn look<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Looked<'a, U>>;

    /// The row, which is inserted if there is none, by one statement that writes nothing else. `None` if that cannot tell:
    /// it has not read the row that is there, somebody else inserts it, or the database refuses to. No future where there
    /// can be no such statement.
    fn look_or_insert<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> Option<StoreFuture<'a, Option<Written<U>>, WriteError>>;

    /// The rows of those that have one, with their Clerk user ids.
    fn read_many<'a>(&'a self, clerk_ids: &'a [&'a str]) -> StoreFuture<'a, Vec<(String, Stored<U>)>>;

    fn write<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Written<U>, WriteError>;

    fn raise_version<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, ()>;

    /// Deletes a user, with the application's hook and the denial in the same transaction.
    fn delete<'a>(
        &'a self,
        clerk_id: &'a str,
        denial: &'a Denial,
        now: Timestamp,
    ) -> StoreFuture<'a, Deletion, WriteError>;

    /// Deletes the row of a user who has a tombstone: one that was inserted while the deletion was under way. To be
    /// called when a deletion has been committed, or such a row was found.
    fn purge<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool, WriteError>;

    /// Whether a user who has no row was deleted, as far as that is remembered.
    #[cfg(feature = "backend-api")]
    fn has_tombstone<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool>;

    /// Returns the unique index that has refused a write; `None` if it belongs to another table.
    fn violated_index<'a>(&'a self, error: &'a dyn DatabaseError) -> StoreFuture<'a, Option<ViolatedIndex>>;

    /// The Clerk user ids of the other rows that hold the claim of a column.
    fn holders<'a>(
        &'a self,
        clerk_id: &'a str,
        claims: &'a U::Claims,
        column: usize,
    ) -> StoreFuture<'a, Vec<String>>;

    /// Writes after columns of other rows have been made null, in one transaction. `released` lists the Clerk user ids of
    /// those rows, each with the place of its column; a row that is not older keeps its value.
    fn write_instead_of<'a>(
        &'a self,
        released: &'a [(String, usize)],
        clerk_id: &'a str,
        claims: &'a U::Claims,
        version: Version,
    ) -> StoreFuture<'a, Written<U>, WriteError>;

    /// Writes the rows of different users: all of them or none. `Taken` does not say by whom.
    #[cfg(feature = "backend-api")]
    fn write_many<'a>(
        &'a self,
        rows: &'a [Observation<'a, U>],
    ) -> StoreFuture<'a, Vec<WrittenRow>, WriteError>;

    #[cfg(feature = "backend-api")]
    fn raise_version_of_many<'a>(&'a self, versions: &'a [(&'a str, Version)]) -> StoreFuture<'a, ()>;

    /// The next Clerk user ids of rows that are no tombstones.
    #[cfg(feature = "backend-api")]
    fn ids_after<'a>(&'a self, clerk_id: &'a str, most: i64) -> StoreFuture<'a, Vec<String>>;

    /// Tells other processes that a row was written.
    fn announce<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, ()>;

    /// Applies what Clerk has sent, in one transaction with what the application does for it.
    fn receive<'a>(
        &'a self,
        delivery: &'a Webhook,
        change: Change<'a, U>,
    ) -> StoreFuture<'a, Applied, WriteError>;

    /// Records a denial unless the database has a newer one of its subject.
    fn record_denial<'a>(&'a self, denial: &'a Denial, now: Timestamp) -> StoreFuture<'a, ()>;

    /// Records that a subject is admitted again, if the database has an older denial of it.
    fn admit_denied<'a>(&'a self, denial: &'a Denial) -> StoreFuture<'a, ()>;

    /// The denials that have changed since, in milliseconds of the database's clock.
    fn read_denials(&self, since: i64, now: Timestamp) -> StoreFuture<'_, DenialChanges>;

    /// Deletes the denials that have expired.
    fn forget_denials(&self, now: Timestamp) -> StoreFuture<'_, ()>;

    /// The rows of which the database keeps something else than was written.
    fn normalized(&self) -> &Normalized<U>;

    /// Ends when the pool is closed.
    fn close_event(&self) -> CloseEvent;
}
