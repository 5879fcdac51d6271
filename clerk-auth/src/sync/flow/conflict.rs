//! Resolves a unique violation on one of the application's own indexes.
//!
//! Rows are never merged and never found by such a value. The resolution depends on the index:
//!
//! - an index of another table, into which a trigger wrote: the row is refused, and nothing changes;
//! - a value of a row that sync has neither written nor claimed ([`is_synced`]): the row is refused, and nothing changes;
//! - an index on claims that Clerk itself keeps unique ([`ClaimColumn::unique_in_clerk`]): the newest version wins, and
//!   the column of the other row becomes null. Two rows can share such a value only while one of them is out of date;
//! - any other index: the row is refused with [`SyncError::Conflict`], and nothing changes. Otherwise a user could take
//!   the value of another, for example a handle in `unsafe_metadata`. Only the row of a deleted user releases its
//!   value.
//!
//! Afterwards, a request with unchanged claims writes nothing. A row without its value counts as current while a newer
//! row holds the value ([`goes_without`]). A refusal is recorded, and a read of the holder decides whether to try
//! another write ([`refusal::refuse_again`]).
//!
//! [`ClaimColumn::unique_in_clerk`]: crate::row::ClaimColumn::unique_in_clerk

use sqlx::error::DatabaseError;

#[cfg(feature = "backend-api")]
use super::delete;
use super::refusal;
use crate::row::SyncedRow;
#[cfg(feature = "backend-api")]
use crate::sync::backend::budget::Answer;
#[cfg(feature = "backend-api")]
use crate::sync::backend::lookup::LookedUp;
use crate::sync::engine::Engine;
use crate::sync::error::SyncError;
use crate::sync::model::logged_row::{LoggedRow, log_row};
#[cfg(feature = "backend-api")]
use crate::sync::model::observation::ClerkObject;
use crate::sync::model::observation::Observation;
use crate::sync::model::row::{StoredRow, Upserted};
use crate::sync::model::version::Version;
use crate::sync::store::error::WriteError;
use crate::sync::store::interface::ViolatedIndex;

/// The maximum number of attempts to write. Two indexes, each held by one row, take four attempts.
const MAX_ATTEMPTS: usize = 24;

/// A column that is set to null so that a row can be written.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Concession {
    /// A column of an older row releases its value.
    Released { holder: String, column: usize },
    /// A column of the row itself, which is the older one, stays without its value.
    Without { holder: String, column: usize },
}

/// Writes a row that an index has refused.
///
/// Tries each concession alone, because one satisfies the index, and a row may share values that the index does not
/// cover.
pub(crate) async fn resolve_conflict<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    mut refused: Box<dyn DatabaseError>,
) -> Result<Upserted<U>, SyncError> {
    let clerk_id = observation.clerk_id();
    let mut made: Vec<Concession> = Vec::new();
    let mut attempts = 0;
    loop {
        let Some(index) = engine.store.violated_index(&*refused).await? else {
            return Err(engine.violated_elsewhere(clerk_id, refused));
        };
        let concessions = engine.concessions(observation, &index).await?;
        if !index.columns.is_empty() && !index.unique_in_clerk && concessions.is_empty() {
            let holders = refusal::holders(engine, observation, &index.columns).await?;
            // Without a holder, the row may be the user's own. If another process inserts it meanwhile, PostgreSQL may report
            // an index other than that of the Clerk id.
            if !holders.is_empty() {
                return Err(refusal::refuse(engine, observation, index, holders));
            }
        }
        let mut candidates = vec![None];
        candidates.extend(concessions.into_iter().map(Some));
        let mut settled = false;
        // The first attempt makes no concession, because the holder may have another value by now. A violation of an
        // index on no claim may be a race, for example on the Clerk user id in another spelling.
        for candidate in candidates {
            attempts += 1;
            if attempts > MAX_ATTEMPTS || candidate.as_ref().is_some_and(|it| made.contains(it)) {
                continue;
            }
            let kept = made.len();
            made.extend(candidate);
            match engine.write_with(observation, &made).await {
                Err(WriteError::UniqueViolation(error)) => {
                    let next = engine.store.violated_index(&*error).await?;
                    refused = error;
                    if next.as_ref() != Some(&index) {
                        settled = true;
                        break;
                    }
                    made.truncate(kept);
                }
                written => {
                    let written = written?;
                    engine.log_concessions(clerk_id, &made).await;
                    return Ok(written);
                }
            }
        }
        if !settled {
            let holders = refusal::holders(engine, observation, &index.columns).await?;
            return Err(refusal::refuse(engine, observation, index, holders));
        }
    }
}

/// Returns whether the row matches the claims, except for values that newer rows hold. Such a row is correct.
pub(crate) async fn goes_without<U: SyncedRow>(
    engine: &Engine<U>,
    observation: &Observation<'_, U>,
    stored: &StoredRow<U>,
) -> Result<bool, SyncError> {
    if stored.version != observation.version || stored.deleted {
        return Ok(false);
    }
    let columns: Vec<usize> = (0..engine.claim_columns.len())
        .filter(|&place| {
            let column = &engine.claim_columns[place];
            column.unique_in_clerk && column.give_way.is_some()
        })
        .collect();
    let holds_without = |columns: &mut dyn Iterator<Item = usize>| {
        let cleared = engine.cleared(observation, columns);
        cleared.is_some_and(|claims| stored.user.matches(&claims))
    };
    if columns.is_empty() || !holds_without(&mut columns.iter().copied()) {
        return Ok(false);
    }
    for &column in &columns {
        let mut others = columns.iter().copied().filter(|&other| other != column);
        if holds_without(&mut others) {
            continue;
        }
        let holders = engine.holders(observation, column).await?;
        let is_newer = |(_, holder): &(String, StoredRow<U>)| !gives_way(holder, observation.version);
        if !holders.iter().any(is_newer) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl<U: SyncedRow> Engine<U> {
    /// Lists the columns that may be released to satisfy an index: those of deleted users' rows. For claims that Clerk
    /// keeps unique, the columns of the older row may be released too.
    async fn concessions(
        &self,
        observation: &Observation<'_, U>,
        index: &ViolatedIndex,
    ) -> Result<Vec<Concession>, SyncError> {
        let mut concessions = Vec::new();
        let mut without = Vec::new();
        for &column in &index.columns {
            if self.claim_columns[column].give_way.is_none() {
                continue;
            }
            #[cfg(feature = "backend-api")]
            if index.unique_in_clerk {
                for (holder, _) in self.holders(observation, column).await? {
                    if U::KIND.is_clerk_id(&holder) {
                        self.refresh_holder(&holder).await?;
                    }
                }
            }
            for (holder, stored) in self.holders(observation, column).await? {
                if !is_synced(&holder, &stored) {
                    continue;
                }
                let is_released = match index.unique_in_clerk {
                    true => gives_way(&stored, observation.version),
                    false => stored.deleted,
                };
                if is_released {
                    concessions.push(Concession::Released { holder, column });
                } else if index.unique_in_clerk {
                    without.push(Concession::Without { holder, column });
                }
            }
        }
        concessions.extend(without);
        Ok(concessions)
    }

    async fn write_with(
        &self,
        observation: &Observation<'_, U>,
        made: &[Concession],
    ) -> Result<Upserted<U>, WriteError> {
        let mut released = Vec::new();
        let mut without = Vec::new();
        for concession in made {
            match concession {
                Concession::Released { holder, column } => released.push((holder.clone(), *column)),
                Concession::Without { column, .. } => without.push(*column),
            }
        }
        let cleared = self.cleared(observation, without.into_iter());
        let cleared = cleared.map(|claims| Observation {
            claims,
            ..*observation
        });
        let written = cleared.as_ref().unwrap_or(observation);
        if released.is_empty() {
            return self.store.write(written).await;
        }
        let written = self.store.write_and_release(&released, written).await;
        for (holder, _) in &released {
            self.row_cache.invalidate(holder);
        }
        written
    }

    /// Returns the claims with these columns set to null; `None` if a field cannot be null.
    fn cleared(
        &self,
        observation: &Observation<'_, U>,
        mut columns: impl Iterator<Item = usize>,
    ) -> Option<U::Claims> {
        // The claims were read from this source a moment ago.
        let mut claims = U::read_claims(observation.source).ok()?;
        columns
            .all(|column| U::set_null(&mut claims, column))
            .then_some(claims)
    }

    /// Reports that another table's index has refused a trigger's write. Nothing was written.
    fn violated_elsewhere(&self, clerk_id: &str, refused: Box<dyn DatabaseError>) -> SyncError {
        let row = LoggedRow::new::<U>(clerk_id);
        log_row!(
            error,
            row,
            table = refused.table(),
            constraint = refused.constraint(),
            error = refused.message(),
            "a unique index of another table refuses what a trigger writes for {}; nothing was changed",
            U::KIND.row()
        );
        sqlx::Error::Database(refused).into()
    }

    /// Logs which user got a value and which lost it, and notifies other processes.
    async fn log_concessions(&self, clerk_id: &str, made: &[Concession]) {
        let (row, noun) = (LoggedRow::new::<U>(clerk_id), U::KIND.noun());
        for concession in made {
            match concession {
                Concession::Released { holder, column } => {
                    log_row!(
                        warn,
                        row,
                        holder,
                        column = self.column(*column),
                        "a unique value went to the {noun} whose row is newer; the holder's row is without the value until \
                         its {noun}'s next change in Clerk"
                    );
                    self.announce(holder).await;
                }
                Concession::Without { column, holder } => log_row!(
                    warn,
                    row,
                    holder,
                    column = self.column(*column),
                    "a newer row holds a unique value; the {noun}'s own row is without the value"
                ),
            }
        }
    }

    /// Returns the other rows that hold the claim of a column.
    async fn holders(
        &self,
        observation: &Observation<'_, U>,
        column: usize,
    ) -> Result<Vec<(String, StoredRow<U>)>, SyncError> {
        let holders = self.store.conflicting_users(observation, column).await?;
        let holders: Vec<&str> = holders.iter().map(String::as_str).collect();
        match holders.is_empty() {
            true => Ok(Vec::new()),
            false => Ok(self.store.read_many(&holders).await?),
        }
    }

    /// Updates the row that holds another's value. Returns whether the row was written; the next write shows whether
    /// the value is free.
    #[cfg(feature = "backend-api")]
    async fn refresh_holder(&self, clerk_id: &str) -> Result<bool, SyncError> {
        let Some(lookup) = &self.lookup else {
            return Ok(false);
        };
        let now = self.clerk.now();
        if !lookup.budget.is_holder_due(clerk_id, now) {
            return Ok(false);
        }
        // The lookup runs within the time that the request has for the database.
        let mut request = lookup.budget.begin(clerk_id, None, now);
        let looked_up = lookup.user::<U>(&self.clerk, clerk_id, self.timeout / 2).await;
        let user = match looked_up {
            LookedUp::User(user) => user,
            LookedUp::Unknown => {
                request.answer = Answer::Unknown;
                return Ok(false);
            }
            LookedUp::Failed => return Ok(false),
        };
        // If the struct cannot hold the other user's claims, this request does not fail.
        let user = ClerkObject::new::<U>(user.node());
        let Some(Ok(observation)) = user.as_ref().map(ClerkObject::observe::<U>) else {
            return Ok(false);
        };
        let written = self.store.write(&observation).await;
        self.row_cache.invalidate(clerk_id);
        match written {
            Ok(_) => {
                request.answer = Answer::User;
                Ok(true)
            }
            Err(WriteError::UniqueViolation(_)) => Ok(false),
            // A tombstone exists because a signed event deleted the user; a race inserted the row.
            Err(WriteError::UserDeleted) => {
                delete::deleted(self, clerk_id).await;
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns whether sync has written the row. A row of the application has a placeholder for the Clerk user id, or
/// version 0. A version column that was added to a table with rows has 0 by default.
fn is_synced<U: SyncedRow>(clerk_id: &str, stored: &StoredRow<U>) -> bool {
    U::KIND.is_clerk_id(clerk_id) && stored.version > Version::stored(0)
}

/// Returns whether a row releases a unique value to a row of this version.
fn gives_way<U>(stored: &StoredRow<U>, version: Version) -> bool {
    stored.deleted || stored.version < version
}
