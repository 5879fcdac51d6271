//! Compares a page of users, organizations or memberships with their rows, and writes the differences with few
//! statements.

use std::borrow::Cow;
use std::collections::HashMap;

use super::progress::{ImportCounts, NotImported};
use super::row_state::{RowState, row_states};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::row::{RowKind, SyncedRow};
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::failure::{Failure, Step};
use crate::sync::flow::reconcile;
use crate::sync::local::change_log::{self, Source};
use crate::sync::local::read_batches::CountsAsFailure;
use crate::sync::model::observation::{ClerkObject, Observation};
use crate::sync::model::outcome::{Applied, SyncOutcome};
use crate::sync::model::row::{KeyHolder, UpsertedRow};
use crate::sync::model::version::Version;
use crate::sync::offline::retry::{WRITE_TIMEOUT, at_most};
use crate::sync::store::error::WriteError;
use crate::sync::store::sqlstate::{ErrorKind, kind};
use crate::sync::unwind::{Panicked, caught, caught_now};
use crate::time::Timestamp;
use crate::token::Refusal;

/// The outcomes of a page.
#[derive(Debug, Default)]
pub(super) struct PageReport {
    pub(crate) counts: ImportCounts,
    /// The skipped objects, with the key of the row.
    pub(super) not_imported: Vec<(String, NotImported)>,
}

/// The users of a page with the source of their rows, each once.
pub(super) struct Page<'a> {
    pub(crate) users: Vec<ClerkObject<'a>>,
    /// The elements that are not objects of the kind.
    others: Vec<String>,
}

impl<'a> Page<'a> {
    pub(crate) fn new<U: SyncedRow>(users: &'a [LenientValue]) -> Self {
        let mut newest: HashMap<Cow<'_, str>, ClerkObject<'a>> = HashMap::with_capacity(users.len());
        let mut others = Vec::new();
        for user in users {
            let Some(object) = ClerkObject::new::<U>(user.node()) else {
                others.push(ClerkObject::readable_key::<U>(user.node()));
                continue;
            };
            match newest.get(&object.id) {
                Some(known) if known.version() > object.version() => {}
                _ => drop(newest.insert(object.id.clone(), object)),
            }
        }
        let mut users: Vec<_> = newest.into_values().collect();
        // Sorted, because writers that lock rows in the same order do not deadlock.
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Self { users, others }
    }

    /// Returns the users whom the struct can hold, and reports the others.
    pub(super) fn observations<U: SyncedRow>(&self) -> (Vec<Observation<'_, U>>, PageReport) {
        let mut report = PageReport::default();
        for clerk_id in &self.others {
            let reason = match U::KIND {
                RowKind::User => NotImported::NotAUser,
                RowKind::Organization => NotImported::NotAnOrganization,
                RowKind::Membership => NotImported::NotAMembership,
            };
            report.skip(clerk_id, reason);
        }
        let mut observations = Vec::with_capacity(self.users.len());
        for user in &self.users {
            match caught_now(|| user.observe()) {
                Ok(Ok(observation)) => observations.push(observation),
                Ok(Err(claims)) => report.skip(&user.id, NotImported::Claims(claims)),
                Err(Panicked) => report.skip(&user.id, NotImported::Panicked),
            }
        }
        (observations, report)
    }
}

impl PageReport {
    fn skip(&mut self, clerk_id: &str, reason: NotImported) {
        self.counts.skipped += 1;
        self.not_imported.push((clerk_id.to_owned(), reason));
    }

    fn conflict(&mut self, clerk_id: &str, reason: NotImported) {
        self.counts.conflicted += 1;
        self.not_imported.push((clerk_id.to_owned(), reason));
    }

    /// Reports a user if the failure concerns only that user. Any other error is returned.
    fn skip_for<U: SyncedRow>(&mut self, clerk_id: &str, error: SyncError) -> Result<(), SyncError> {
        if error.failure::<U>().step() != Step::Skip {
            return Err(error);
        }
        let reason = match error {
            SyncError::UserDeleted => NotImported::Deleted,
            SyncError::ReferenceMissing => NotImported::ReferenceMissing,
            SyncError::Claims(claims) => NotImported::Claims(claims),
            SyncError::OnInsert(error) => NotImported::OnInsert(error),
            SyncError::OnLink(error) => NotImported::OnLink(error),
            SyncError::LinkConflict { holder } => {
                self.conflict(clerk_id, NotImported::LinkConflict(holder.map(UserId::new)));
                return Ok(());
            }
            SyncError::Panicked => NotImported::Panicked,
            SyncError::Conflict(columns) => {
                self.conflict(clerk_id, NotImported::Conflict(columns));
                return Ok(());
            }
            SyncError::Database(error) if kind(&error) == ErrorKind::UnreadableRow => {
                NotImported::UnreadableRow
            }
            SyncError::Database(error) if matches!(*error, sqlx::Error::RowNotFound) => {
                NotImported::NotStored
            }
            SyncError::Database(error) => NotImported::refused(&error),
            error => return Err(error),
        };
        self.skip(clerk_id, reason);
        Ok(())
    }

    fn count(&mut self, outcome: SyncOutcome) {
        match outcome {
            SyncOutcome::Inserted => self.counts.inserted += 1,
            SyncOutcome::Linked => self.counts.linked += 1,
            SyncOutcome::Updated => self.counts.updated += 1,
            SyncOutcome::Unchanged | SyncOutcome::Cached => self.counts.unchanged += 1,
        }
    }
}

/// Updates the rows of a page's users to Clerk's data, or counts the necessary changes.
pub(super) async fn import_page<U: SyncedRow>(
    engine: &Engine<U>,
    users: &[LenientValue],
    dry_run: bool,
) -> Result<PageReport, SyncError> {
    let page = Page::new::<U>(users);
    let (observations, mut report) = page.observations::<U>();
    let now = engine.clerk.now();
    let (observations, ended): (Vec<_>, Vec<_>) = observations
        .into_iter()
        .partition(|observation| !engine.has_ended(observation, now));
    for observation in &ended {
        report.skip(observation.clerk_id(), NotImported::Deleted);
    }
    let row_states = row_states(engine, &observations).await?;
    let mut raised = Vec::new();
    let mut writes = Vec::new();
    for (observation, state) in observations.into_iter().zip(row_states) {
        match state {
            RowState::Deleted => report.skip(observation.clerk_id(), NotImported::Deleted),
            RowState::Unreadable => report.skip(observation.clerk_id(), NotImported::UnreadableRow),
            RowState::Current => report.count(SyncOutcome::Unchanged),
            RowState::VersionBehind if dry_run => report.count(SyncOutcome::Unchanged),
            RowState::VersionBehind => raised.push(observation),
            RowState::Missing if dry_run => engine.count_missing(&observation, &mut report).await?,
            RowState::Stale | RowState::Different if dry_run => report.count(SyncOutcome::Updated),
            RowState::Missing | RowState::Stale => writes.push(observation),
            // Written alone, so that the database's normalization is recorded.
            RowState::Different => engine.write_row(&observation, &mut report).await?,
        }
    }
    if !raised.is_empty() {
        writes.extend(engine.raise_versions(raised, &mut report).await?);
    }
    engine.write_page(&writes, &mut report).await?;
    Ok(report)
}

impl<U: SyncedRow> Engine<U> {
    /// Returns whether this process has received a deletion or an end that is newer than the page. No row may record
    /// that deletion.
    fn has_ended(&self, observation: &Observation<'_, U>, now: Timestamp) -> bool {
        let deny_list = self.clerk.deny_list();
        let clerk_id = observation.clerk_id();
        match U::KIND {
            RowKind::User => self.clerk.denied_user(clerk_id, now) == Some(Refusal::UserDeleted),
            RowKind::Organization => deny_list.is_deleted_organization(clerk_id, now),
            RowKind::Membership => clerk_id.split_once(':').is_some_and(|(user, organization)| {
                deny_list.has_ended(user, organization, observation.version.as_millis(), now)
            }),
        }
    }

    /// Counts the outcomes that writes would have for users without rows.
    async fn count_missing(
        &self,
        observation: &Observation<'_, U>,
        report: &mut PageReport,
    ) -> Result<(), SyncError> {
        let holder = async { Ok(self.store.key_holder(observation).await?) };
        match at_most(holder).await? {
            KeyHolder::None => report.count(SyncOutcome::Inserted),
            KeyHolder::Unlinked => report.count(SyncOutcome::Linked),
            KeyHolder::Invalid(claims) => report.skip(observation.clerk_id(), NotImported::Claims(claims)),
            KeyHolder::Deleted => report.conflict(observation.clerk_id(), NotImported::LinkConflict(None)),
            KeyHolder::User(holder) => {
                let conflict = NotImported::LinkConflict(Some(UserId::new(holder)));
                report.conflict(observation.clerk_id(), conflict);
            }
        }
        Ok(())
    }

    /// Raises the versions of rows, and reads the rows again: see [`Plan::RaiseVersion`]. Returns the rows to write.
    async fn raise_versions<'a>(
        &self,
        rows: Vec<Observation<'a, U>>,
        report: &mut PageReport,
    ) -> Result<Vec<Observation<'a, U>>, SyncError> {
        let versions: Vec<(&str, Version)> = rows.iter().map(|row| (row.clerk_id(), row.version)).collect();
        let raised = at_most(async { Ok(self.store.raise_version_of_many(&versions).await?) }).await;
        let rows = match raised {
            Err(error) if error.failure::<U>() == Failure::DataRefused => {
                self.raise_each_version(rows, report).await?
            }
            raised => {
                raised?;
                rows
            }
        };
        let row_states = row_states(self, &rows).await?;
        let mut replaced = Vec::new();
        for (row, state) in rows.into_iter().zip(row_states) {
            match state {
                RowState::Current | RowState::VersionBehind => report.count(SyncOutcome::Unchanged),
                RowState::Deleted => report.skip(row.clerk_id(), NotImported::Deleted),
                RowState::Unreadable => report.skip(row.clerk_id(), NotImported::UnreadableRow),
                RowState::Missing | RowState::Stale | RowState::Different => replaced.push(row),
            }
        }
        Ok(replaced)
    }

    /// Raises each version separately, after the database has refused one of the rows. Returns the others.
    async fn raise_each_version<'a>(
        &self,
        rows: Vec<Observation<'a, U>>,
        report: &mut PageReport,
    ) -> Result<Vec<Observation<'a, U>>, SyncError> {
        let mut raised = Vec::with_capacity(rows.len());
        for row in rows {
            let clerk_id = row.clerk_id();
            match at_most(async { Ok(self.store.raise_version(clerk_id, row.version).await?) }).await {
                Ok(()) => raised.push(row),
                Err(error) => report.skip_for::<U>(clerk_id, error)?,
            }
        }
        Ok(raised)
    }

    /// Writes the rows with one statement. If one row fails, splits the rows in halves to find it.
    async fn write_page(
        &self,
        rows: &[Observation<'_, U>],
        report: &mut PageReport,
    ) -> Result<(), SyncError> {
        let mut parts = vec![rows];
        while let Some(part) = parts.pop() {
            let error = match part {
                [] => continue,
                [row] => {
                    self.write_row(row, report).await?;
                    continue;
                }
                part => match self.write_part(part).await {
                    Ok(written) => {
                        self.count_written(part, &written, report).await?;
                        continue;
                    }
                    Err(error) => error,
                },
            };
            match error {
                error if !is_of_one(&error) => return Err(error.into()),
                _ => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
        Ok(())
    }

    async fn write_part(&self, rows: &[Observation<'_, U>]) -> Result<Vec<UpsertedRow>, WriteError> {
        let now = self.clerk.now();
        // Earlier copies of these rows are invalid after any outcome.
        let _writing: Vec<_> = rows
            .iter()
            .map(|row| self.row_cache.begin_write(row.clerk_id(), now))
            .collect();
        match tokio::time::timeout(WRITE_TIMEOUT, caught(self.store.write_many(rows))).await {
            Ok(Ok(written)) => written,
            // The panic concerns one of the rows.
            Ok(Err(panicked)) => Err(WriteError::OnInsert(panicked.into())),
            Err(_) => Err(WriteError::Database(sqlx::Error::PoolTimedOut)),
        }
    }

    /// Writes the row that failed in a statement of many, like a single row.
    async fn write_row(&self, row: &Observation<'_, U>, report: &mut PageReport) -> Result<(), SyncError> {
        let clerk_id = row.clerk_id();
        match at_most(reconcile::reconcile(self, row, None, CountsAsFailure::default())).await {
            Ok(synced) => {
                change_log::synced::<U>(clerk_id, synced.outcome, Source::Import);
                report.count(synced.outcome);
            }
            Err(error) => report.skip_for::<U>(clerk_id, error)?,
        }
        Ok(())
    }

    async fn count_written(
        &self,
        rows: &[Observation<'_, U>],
        written: &[UpsertedRow],
        report: &mut PageReport,
    ) -> Result<(), SyncError> {
        let written: HashMap<&str, &UpsertedRow> = written.iter().map(|row| (&*row.clerk_id, row)).collect();
        for row in rows {
            let clerk_id = row.clerk_id();
            match written.get(clerk_id) {
                Some(won) => {
                    let is_changed = won.version == row.version;
                    match Applied::of_write(won.winner(), row.version, is_changed).for_request() {
                        Some(outcome) => {
                            change_log::synced::<U>(clerk_id, outcome, Source::Import);
                            report.count(outcome);
                        }
                        None => report.skip(clerk_id, NotImported::Deleted),
                    }
                }
                // The statement skipped the row because of a tombstone, a missing reference or a trigger.
                None => {
                    let reason = async {
                        Ok(if self.store.has_tombstone(clerk_id).await? {
                            NotImported::Deleted
                        } else if self.store.has_references(clerk_id).await? {
                            NotImported::NotStored
                        } else {
                            NotImported::ReferenceMissing
                        })
                    };
                    report.skip(clerk_id, at_most(reason).await?);
                }
            }
        }
        Ok(())
    }
}

/// Returns whether the write of many rows failed because of one of them.
fn is_of_one(error: &WriteError) -> bool {
    match error {
        WriteError::UniqueViolation(_)
        | WriteError::OnInsert(_)
        | WriteError::OnLink(_)
        | WriteError::LinkConflict(_)
        | WriteError::InvalidKey(_) => true,
        WriteError::Database(error) => Failure::from(kind(error)).step() == Step::Skip,
        _ => false,
    }
}
