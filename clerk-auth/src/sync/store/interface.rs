//! The interface of row storage: the operations that sync needs, and their results.

use std::any::Any;

use sqlx::error::DatabaseError;
use sqlx::pool::CloseEvent;

use super::error::WriteError;
use super::hooks::StoreFuture;
use super::normalized::Normalized;
#[cfg(feature = "backend-api")]
use super::unlinked_rows::LinkingStatements;
use crate::deny_list::Denial;
use crate::row::SyncedRow;
#[cfg(feature = "backend-api")]
use crate::sync::model::linking::{LinkBy, MatchedRows, UnlinkedRow};
use crate::sync::model::observation::Observation;
use crate::sync::model::outcome::{Applied, Change, Deletion};
#[cfg(feature = "backend-api")]
use crate::sync::model::row::{KeyHolder, UpsertedRow};
use crate::sync::model::row::{StoredRow, Upserted};
use crate::sync::model::version::Version;
use crate::time::Timestamp;
use crate::webhook::Webhook;

/// The result of a row lookup.
pub(crate) enum Lookup<'s, U: SyncedRow> {
    Found(StoredRow<U>),
    /// No row. The entry holds a pool connection; drop it before awaiting another task.
    Missing(Option<Box<dyn VacantEntry<U> + 's>>),
}

impl<U: SyncedRow> Lookup<'_, U> {
    pub(crate) fn row(&self) -> Option<&StoredRow<U>> {
        match self {
            Self::Found(stored) => Some(stored),
            Self::Missing(_) => None,
        }
    }
}

/// A missing row that can be written at once.
pub(crate) trait VacantEntry<U: SyncedRow>: Send {
    /// Inserts the row like [`Store::write`].
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
    /// The claim columns in its key, by their indexes.
    pub(crate) columns: Vec<usize>,
    /// True if every column in its key is a claim whose value Clerk keeps unique.
    pub(crate) unique_in_clerk: bool,
}

/// A store of rows of `U`. The trait erases the database, so that a handler's state need not name it.
pub(crate) trait Store<U: SyncedRow>: Any + Send + Sync {
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<StoredRow<U>>>;

    /// Like `read`, but keeps the connection if the row is missing, for a caller that is about to insert one.
    fn find<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Lookup<'a, U>>;

    /// Reads the row, or inserts it, with a single statement. The future resolves to `None` if the statement did not
    /// read an existing row, another transaction inserts it, or the database refuses the insert. The method returns
    /// `None` if no such statement is possible.
    fn find_or_insert<'a>(
        &'a self,
        observation: &'a Observation<'a, U>,
    ) -> Option<StoreFuture<'a, Option<Upserted<U>>, WriteError>>;

    /// Returns the existing rows of these users, with their Clerk user ids.
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

    /// Ends a membership by its key, with the application's hook. Does not change a newer row.
    fn end<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, Deletion, WriteError>;

    /// Deletes the row of a user who has a tombstone, if a concurrent request has inserted one. Call it after a
    /// deletion was committed, or when such a row was found.
    fn purge<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool, WriteError>;

    /// Returns whether a deletion is recorded for a user without a row.
    fn has_tombstone<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool>;

    /// Returns whether the rows that a row references exist. Only memberships reference rows.
    #[cfg(feature = "backend-api")]
    fn has_references<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool>;

    /// Returns the unique index that has refused a write; `None` if it belongs to another table.
    fn violated_index<'a>(&'a self, error: &'a dyn DatabaseError) -> StoreFuture<'a, Option<ViolatedIndex>>;

    /// Returns the Clerk user ids of the other rows that hold the claim of a column.
    fn conflicting_users<'a>(
        &'a self,
        observation: &'a Observation<'a, U>,
        column: usize,
    ) -> StoreFuture<'a, Vec<String>>;

    /// Writes after setting columns of other rows to null, in one transaction. `released` lists the Clerk user ids of
    /// those rows, each with the index of its column; a row that is not older keeps its value.
    fn write_and_release<'a>(
        &'a self,
        released: &'a [(String, usize)],
        observation: &'a Observation<'a, U>,
    ) -> StoreFuture<'a, Upserted<U>, WriteError>;

    /// Returns the row with the user's key.
    #[cfg(feature = "backend-api")]
    fn key_holder<'a>(&'a self, observation: &'a Observation<'a, U>) -> StoreFuture<'a, KeyHolder>;

    /// Writes the rows of different users atomically. `UniqueViolation` does not name the user.
    #[cfg(feature = "backend-api")]
    fn write_many<'a>(
        &'a self,
        rows: &'a [Observation<'a, U>],
    ) -> StoreFuture<'a, Vec<UpsertedRow>, WriteError>;

    #[cfg(feature = "backend-api")]
    fn raise_version_of_many<'a>(&'a self, versions: &'a [(&'a str, Version)]) -> StoreFuture<'a, ()>;

    /// Returns the next Clerk user ids of live rows.
    #[cfg(feature = "backend-api")]
    fn ids_after<'a>(&'a self, clerk_id: &'a str, most: i64) -> StoreFuture<'a, Vec<String>>;

    /// Returns the statements that link rows by a value; `None` if the struct has no column of the value.
    #[cfg(feature = "backend-api")]
    fn linking_statements<'a>(&'a self, by: LinkBy) -> StoreFuture<'a, Option<LinkingStatements>>;

    /// Returns the users who have a row or a tombstone, and whether they are deleted.
    #[cfg(feature = "backend-api")]
    fn known_users<'a>(&'a self, clerk_ids: &'a [&'a str]) -> StoreFuture<'a, Vec<(String, bool)>>;

    /// Returns the rows with these values, by the index of the value.
    #[cfg(feature = "backend-api")]
    fn matched_rows<'a>(
        &'a self,
        statements: &'a LinkingStatements,
        values: &'a [&'a str],
    ) -> StoreFuture<'a, Vec<MatchedRows>>;

    /// Returns all rows without a Clerk user.
    #[cfg(feature = "backend-api")]
    fn unlinked_rows<'a>(&'a self, statements: &'a LinkingStatements) -> StoreFuture<'a, Vec<UnlinkedRow>>;

    /// Links the only row with a value to a user. Does nothing if the row has a Clerk user, or the user has a row or a
    /// tombstone. Returns whether the row was linked.
    #[cfg(feature = "backend-api")]
    fn claim_row<'a>(
        &'a self,
        statements: &'a LinkingStatements,
        value: &'a str,
        clerk_id: &'a str,
    ) -> StoreFuture<'a, bool, WriteError>;

    /// Notifies other processes that a row was written.
    fn announce<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, ()>;

    /// Applies a delivery, in one transaction with the application's hook.
    fn apply<'a>(
        &'a self,
        delivery: &'a Webhook,
        change: Change<'a, U>,
    ) -> StoreFuture<'a, Applied, WriteError>;

    /// Records a denial unless the database has a newer one of its subject.
    fn record_denial<'a>(&'a self, denial: &'a Denial, now: Timestamp) -> StoreFuture<'a, ()>;

    /// Records that a subject is admitted again, if the database has an older denial of it.
    fn admit_denied<'a>(&'a self, denial: &'a Denial) -> StoreFuture<'a, ()>;

    /// Returns the denials that have changed after `since`, in milliseconds of the database's clock.
    fn read_denials(&self, since: i64, now: Timestamp) -> StoreFuture<'_, DenialChanges>;

    /// Deletes the denials that have expired.
    fn forget_denials(&self, now: Timestamp) -> StoreFuture<'_, ()>;

    /// Returns the record of rows that the database normalizes.
    fn normalized(&self) -> &Normalized<U>;

    /// Returns an event that fires when the pool is closed.
    fn close_event(&self) -> CloseEvent;
}

/// The changes of the table's content.
pub(crate) struct DenialChanges {
    /// Each denial, with the time at which it was recorded by the database's clock.
    pub(crate) denials: Vec<(Denial, Timestamp)>,
    /// The start of the next read, in milliseconds of the database's clock.
    pub(crate) read_at: i64,
}
