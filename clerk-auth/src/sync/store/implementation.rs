//! Implements the store over a pool: each operation gets a connection, and is repeated if a retry can succeed.

use sqlx::error::DatabaseError;
use sqlx::pool::CloseEvent;

use super::connection::Connection;
use super::dialect::Dialect;
use super::error::{WriteError, commit_error};
use super::hooks::StoreFuture;
use super::interface::{DenialChanges, Lookup, Store, ViolatedIndex};
use super::normalized::Normalized;
use super::retry::forget_if_stale;
use super::sql_store::{SqlStore, with_version};
#[cfg(feature = "backend-api")]
use super::unlinked_rows::LinkingStatements;
use super::vacant_entry::ConnectedEntry;
use crate::deny_list::Denial;
use crate::row::{ClaimColumn, StoredIn};
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

impl<DB: Dialect, U: StoredIn<DB>> Store<U> for SqlStore<U, DB> {
    fn read<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Option<StoredRow<U>>> {
        Box::pin(self.read_row(clerk_id))
    }

    fn find<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, Lookup<'a, U>> {
        Box::pin(self.repeated(move || async move {
            let mut connection = self.connections.acquire().await?;
            let selected = self.select(&mut connection, clerk_id).await;
            Ok(
                match forget_if_stale::<DB, _, _>(&mut connection, selected).await? {
                    Some(stored) => {
                        connection.done().await?;
                        Lookup::Found(stored)
                    }
                    None => Lookup::Missing(match connection {
                        Connection::Plain(connection) => Some(Box::new(ConnectedEntry {
                            store: self,
                            connection,
                        })),
                        // The read is not part of the transaction that writes. If the transaction took its snapshot at
                        // the read, it would fail on a row that another one has inserted since.
                        Connection::Pooled(transaction) => {
                            transaction.commit().await?;
                            None
                        }
                    }),
                },
            )
        }))
    }

    fn find_or_insert<'a>(
        &'a self,
        observation: &'a Observation<'a, U>,
    ) -> Option<StoreFuture<'a, Option<Upserted<U>>, WriteError>> {
        // A hook or a short lock timeout needs a transaction around the insertion.
        if self.on_insert.is_some() || self.stuck.contains(observation.clerk_id()) {
            return None;
        }
        Some(Box::pin(async move {
            let insert = move |permit| self.select_or_insert(observation, permit);
            self.tried(observation.clerk_id(), insert).await
        }))
    }

    fn read_many<'a>(&'a self, clerk_ids: &'a [&'a str]) -> StoreFuture<'a, Vec<(String, StoredRow<U>)>> {
        Box::pin(self.read_rows(clerk_ids))
    }

    fn write<'a>(&'a self, observation: &'a Observation<'a, U>) -> StoreFuture<'a, Upserted<U>, WriteError> {
        Box::pin(self.write_row(observation))
    }

    fn raise_version<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, ()> {
        Box::pin(self.tried(clerk_id, move |permit| async move {
            let arguments = with_version::<DB>(clerk_id, version)?;
            let mut connection = self.connections.acquire_to_write(permit).await?;
            let raised = DB::execute(&mut *connection, U::RAISE_VERSION, arguments).await;
            connection.end(raised.map(drop), |error| error).await
        }))
    }

    fn delete<'a>(
        &'a self,
        clerk_id: &'a str,
        denial: &'a Denial,
        now: Timestamp,
    ) -> StoreFuture<'a, Deletion, WriteError> {
        Box::pin(async move {
            let delete = |permit| self.delete_and_commit(clerk_id, Some((denial, now)), permit);
            let deletion = self.tried(clerk_id, delete).await?;
            Ok(match self.delete_leftover(clerk_id).await? {
                true => Deletion::Deleted,
                false => deletion,
            })
        })
    }

    fn end<'a>(&'a self, clerk_id: &'a str, version: Version) -> StoreFuture<'a, Deletion, WriteError> {
        Box::pin(self.tried(clerk_id, move |permit| {
            self.end_and_commit(clerk_id, version, permit)
        }))
    }

    fn purge<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool, WriteError> {
        Box::pin(self.delete_leftover(clerk_id))
    }

    fn has_tombstone<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(self.repeated(move || async move {
            if U::TOMBSTONES.is_none() {
                return Ok(false);
            }
            let mut connection = self.connections.acquire().await?;
            let found = self.select_tombstone(&mut connection, clerk_id).await;
            connection.end(found).await
        }))
    }

    #[cfg(feature = "backend-api")]
    fn has_references<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, bool> {
        Box::pin(self.repeated(move || async move {
            let mut connection = self.connections.acquire().await?;
            let found = self.select_references(&mut connection, clerk_id).await;
            connection.end(found).await
        }))
    }

    fn violated_index<'a>(&'a self, error: &'a dyn DatabaseError) -> StoreFuture<'a, Option<ViolatedIndex>> {
        Box::pin(self.repeated(move || async move {
            let mut connection = self.connections.acquire().await?;
            let names = DB::violated_columns(&mut connection, error, U::TABLE).await;
            let names = connection.end(names).await?;
            let name = error.constraint().unwrap_or(error.message());
            Ok(names.map(|names| violated_index(name, &names, U::CLAIM_COLUMNS)))
        }))
    }

    fn conflicting_users<'a>(
        &'a self,
        observation: &'a Observation<'a, U>,
        column: usize,
    ) -> StoreFuture<'a, Vec<String>> {
        Box::pin(self.repeated(move || async move {
            let mut connection = self.connections.acquire().await?;
            let holders = self.select_holders(&mut connection, observation, column).await;
            connection.end(holders).await
        }))
    }

    fn write_and_release<'a>(
        &'a self,
        released: &'a [(String, usize)],
        observation: &'a Observation<'a, U>,
    ) -> StoreFuture<'a, Upserted<U>, WriteError> {
        Box::pin(async move {
            let written = self.tried(observation.clerk_id(), move |permit| async move {
                let mut transaction = self.connections.begin_to_write(permit).await?;
                let written = match self.release(&mut transaction, released, observation).await {
                    Ok(()) => self.upsert_with_hook(&mut transaction, observation).await,
                    Err(error) => Err(error),
                };
                transaction.end(written, commit_error::<U>).await
            });
            self.after_commit(observation.clerk_id(), written.await?).await
        })
    }

    #[cfg(feature = "backend-api")]
    fn key_holder<'a>(&'a self, observation: &'a Observation<'a, U>) -> StoreFuture<'a, KeyHolder> {
        Box::pin(self.repeated(move || async move {
            if U::LINK.is_none() {
                return Ok(KeyHolder::None);
            }
            let mut connection = self.connections.acquire().await?;
            let holder = self.select_key_holder(&mut connection, observation).await;
            connection.end(holder).await
        }))
    }

    #[cfg(feature = "backend-api")]
    fn write_many<'a>(
        &'a self,
        rows: &'a [Observation<'a, U>],
    ) -> StoreFuture<'a, Vec<UpsertedRow>, WriteError> {
        Box::pin(self.repeated(move || self.upsert_many(rows)))
    }

    #[cfg(feature = "backend-api")]
    fn raise_version_of_many<'a>(&'a self, versions: &'a [(&'a str, Version)]) -> StoreFuture<'a, ()> {
        Box::pin(self.repeated(move || self.update_versions(versions)))
    }

    #[cfg(feature = "backend-api")]
    fn ids_after<'a>(&'a self, clerk_id: &'a str, most: i64) -> StoreFuture<'a, Vec<String>> {
        Box::pin(self.repeated(move || self.select_ids(clerk_id, most)))
    }

    #[cfg(feature = "backend-api")]
    fn linking_statements<'a>(&'a self, by: LinkBy) -> StoreFuture<'a, Option<LinkingStatements>> {
        Box::pin(self.repeated(move || self.read_linking_statements(by)))
    }

    #[cfg(feature = "backend-api")]
    fn known_users<'a>(&'a self, clerk_ids: &'a [&'a str]) -> StoreFuture<'a, Vec<(String, bool)>> {
        Box::pin(self.repeated(move || self.select_users(clerk_ids)))
    }

    #[cfg(feature = "backend-api")]
    fn matched_rows<'a>(
        &'a self,
        statements: &'a LinkingStatements,
        values: &'a [&'a str],
    ) -> StoreFuture<'a, Vec<MatchedRows>> {
        Box::pin(self.repeated(move || self.select_matches(statements, values)))
    }

    #[cfg(feature = "backend-api")]
    fn unlinked_rows<'a>(&'a self, statements: &'a LinkingStatements) -> StoreFuture<'a, Vec<UnlinkedRow>> {
        Box::pin(self.repeated(move || self.select_unlinked(statements)))
    }

    #[cfg(feature = "backend-api")]
    fn claim_row<'a>(
        &'a self,
        statements: &'a LinkingStatements,
        value: &'a str,
        clerk_id: &'a str,
    ) -> StoreFuture<'a, bool, WriteError> {
        Box::pin(self.repeated(move || self.claim_unlinked(statements, value, clerk_id)))
    }

    fn announce<'a>(&'a self, clerk_id: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.repeated(move || async move {
            if !DB::ANNOUNCES {
                return Ok(());
            }
            let mut connection = self.connections.acquire().await?;
            let announced = DB::announce(&mut connection, &self.announcement_of(clerk_id)).await;
            connection.end(announced).await
        }))
    }

    fn apply<'a>(
        &'a self,
        delivery: &'a Webhook,
        change: Change<'a, U>,
    ) -> StoreFuture<'a, Applied, WriteError> {
        Box::pin(async move {
            let clerk_id = match change {
                Change::Write(observation) | Change::End(observation) => Some(observation.clerk_id()),
                Change::Delete(clerk_id) => Some(clerk_id),
                Change::Nothing | Change::Refuse => None,
            };
            let apply = move |permit| self.apply_in_transaction(delivery, change, permit);
            match clerk_id {
                Some(clerk_id) => self.tried(clerk_id, apply).await,
                None => {
                    let apply = move || async move { apply(self.permits.acquire(false).await).await };
                    self.repeated(apply).await
                }
            }
        })
    }

    fn record_denial<'a>(&'a self, denial: &'a Denial, now: Timestamp) -> StoreFuture<'a, ()> {
        Box::pin(self.repeated(move || async move {
            let mut connection = self.connections.acquire().await?;
            let recorded = self.record_denial_on(&mut connection, denial, now).await;
            connection.end(recorded).await
        }))
    }

    fn admit_denied<'a>(&'a self, denial: &'a Denial) -> StoreFuture<'a, ()> {
        Box::pin(self.repeated(move || async move {
            let mut connection = self.connections.acquire().await?;
            let admitted = self.admit_denied_on(&mut connection, denial).await;
            connection.end(admitted).await
        }))
    }

    fn read_denials(&self, since: i64, now: Timestamp) -> StoreFuture<'_, DenialChanges> {
        Box::pin(self.repeated(move || self.select_denials(since, now)))
    }

    fn forget_denials(&self, now: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(self.repeated(move || self.delete_expired_denials(now)))
    }

    fn normalized(&self) -> &Normalized<U> {
        &self.normalized
    }

    fn close_event(&self) -> CloseEvent {
        self.connections.close_event()
    }
}

/// Creates the index with this name and the columns of its key.
fn violated_index(name: &str, names: &[String], columns: &[ClaimColumn]) -> ViolatedIndex {
    let place = |name: &String| columns.iter().position(|column| column.name == name.as_str());
    let is_unique = |place: Option<usize>| place.is_some_and(|place| columns[place].unique_in_clerk);
    ViolatedIndex {
        name: name.to_owned(),
        columns: names.iter().filter_map(place).collect(),
        unique_in_clerk: !names.is_empty() && names.iter().map(place).all(is_unique),
    }
}
