//! A place where a user's row is kept: what sync asks of it, and what may come back.

use sqlx::error::DatabaseError;
use sqlx::pool::CloseEvent;

use super::error::WriteError;
use super::hooks::StoreFuture;
use super::normalized::Normalized;
use crate::deny_list::Denial;
use crate::sync::model::observation::Observation;
use crate::sync::model::outcome::{Applied, Change, Deletion};
#[cfg(feature = "backend-api")]
use crate::sync::model::row::UpsertedRow;
use crate::sync::model::row::{StoredRow, Upserted};
use crate::sync::model::version::Version;
use crate::time::Timestamp;
use crate::user::SyncedUser;
use crate::webhook::Webhook;

/// What a look at a user's row came to.
pub(crate) enum Lookup<'s, U: SyncedUser> {
    Found(StoredRow<U>),
    /// There is none. The place holds a connection: who waits for anybody drops it first.
    Missing(Option<Box<dyn VacantEntry<U> + 's>>),
}

impl<U: SyncedUser> Lookup<'_, U> {
    pub(crate) fn row(&self) -> Option<&StoredRow<U>> {
        match self {
            Self::Found(stored) => Some(stored),
            Self::Missing(_) => None,
        }
    }
}

/// Where a row can be written at once.
pub(crate) trait VacantEntry<U: SyncedUser>: Send {
    /// As [`Store::write`] does.
    fn insert<'a>(
        self: Box<Self>,
        observation: &'a Observation<'a, U>,
    ) -> StoreFuture<'a, Upserted<U>, WriteError>
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

/// A place where rows of `U` are kept. The database is erased here so that a handler's state need not name it.
pub(crate) trait Store<U: SyncedUser>: Send + Sync {
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<StoredRow<U>>>;

    /// The same for who will write a row if there is none.
    fn find<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Lookup<'a, U>>;

    /// The row, which is inserted if there is none, by one statement that writes nothing else. `None` if that cannot tell:
    /// it has not read the row that is there, somebody else inserts it, or the database refuses to. No future where there
    /// can be no such statement.
    fn find_or_insert<'a>(
        &'a self,
        observation: &'a Observation<'a, U>,
    ) -> Option<StoreFuture<'a, Option<Upserted<U>>, WriteError>>;

    /// The rows of those that have one, with their Clerk user ids.
    fn read_many<'a>(&'a self, clerk_ids: &'a [&'a str]) -> StoreFuture<'a, Vec<(String, StoredRow<U>)>>;

    fn write<'a>(&'a self, observation: &'a Observation<'a, U>) -> StoreFuture<'a, Upserted<U>, WriteError>;

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
    fn conflicting_users<'a>(
        &'a self,
        observation: &'a Observation<'a, U>,
        column: usize,
    ) -> StoreFuture<'a, Vec<String>>;

    /// Writes after columns of other rows have been made null, in one transaction. `released` lists the Clerk user ids of
    /// those rows, each with the place of its column; a row that is not older keeps its value.
    fn write_and_release<'a>(
        &'a self,
        released: &'a [(String, usize)],
        observation: &'a Observation<'a, U>,
    ) -> StoreFuture<'a, Upserted<U>, WriteError>;

    /// Writes the rows of different users: all of them or none. `UniqueViolation` does not say by whom.
    #[cfg(feature = "backend-api")]
    fn write_many<'a>(
        &'a self,
        rows: &'a [Observation<'a, U>],
    ) -> StoreFuture<'a, Vec<UpsertedRow>, WriteError>;

    #[cfg(feature = "backend-api")]
    fn raise_version_of_many<'a>(&'a self, versions: &'a [(&'a str, Version)]) -> StoreFuture<'a, ()>;

    /// The next Clerk user ids of rows that are no tombstones.
    #[cfg(feature = "backend-api")]
    fn ids_after<'a>(&'a self, clerk_id: &'a str, most: i64) -> StoreFuture<'a, Vec<String>>;

    /// Tells other processes that a row was written.
    fn announce<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, ()>;

    /// Applies what Clerk has sent, in one transaction with what the application does for it.
    fn apply<'a>(
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

/// What the table holds, as far as it has changed.
pub(crate) struct DenialChanges {
    /// Each denial, and when it was recorded, by the database's clock.
    pub(crate) denials: Vec<(Denial, Timestamp)>,
    /// The database's clock, in milliseconds, from which the next read goes on.
    pub(crate) read_at: i64,
}
