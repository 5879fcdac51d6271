//! Records rows that the database stores differently from the written values. A trigger, a domain or a type such as
//! `CHAR(n)` normalizes a value, or a trigger keeps the old row. Such a row is written once per version, and then
//! recognized as the normalization of the claims.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;

use crate::claim::{Claim, ClaimSource};
use crate::row::{Compared, SyncedRow, VersionSource, all_equal, different};
use crate::sync::model::logged_row::{LoggedRow, log_row};
use crate::sync::model::observation::Observation;
use crate::sync::model::row::StoredRow;
use crate::sync::model::version::Version;

/// The maximum number of recorded users. Each takes about the memory of its row.
const MAX_REMEMBERED: usize = 10_000;

/// The recorded rows.
pub(crate) struct Normalized<U> {
    rows: Cache<Box<str>, Arc<Known<U>>>,
    hasher: RandomState,
    /// The columns that have been reported, with one warning each.
    reported: Mutex<HashSet<&'static str>>,
}

struct Known<U> {
    /// The version that was written.
    version: Version,
    /// The claims that were written.
    claims: u64,
    /// The row after that write, if it does not match the claims.
    row: Option<Arc<U>>,
    /// The row's version, which is older if the database kept the old row.
    stored: Version,
}

impl<U> Default for Normalized<U> {
    fn default() -> Self {
        Self {
            rows: Cache::new(MAX_REMEMBERED),
            hasher: RandomState::new(),
            reported: Mutex::default(),
        }
    }
}

impl<U: SyncedRow> Normalized<U> {
    /// Returns whether a row that does not match these claims is their normalization by the database.
    pub(crate) fn knows(&self, observation: &Observation<'_, U>, stored: &StoredRow<U>) -> bool {
        self.known(observation).is_some_and(|known| {
            let is_same_row = known
                .row
                .as_ref()
                .is_some_and(|row| row.compare(Compared::Row(&stored.user), all_equal));
            is_same_row && known.stored == stored.version && !stored.deleted
        })
    }

    /// Returns whether these claims were written before, and the returned row matched them. If a row does not match
    /// now, another program or an `AFTER` trigger has changed it since.
    pub(crate) fn was_written(&self, observation: &Observation<'_, U>) -> bool {
        self.known(observation).is_some()
    }

    fn known(&self, observation: &Observation<'_, U>) -> Option<Arc<Known<U>>> {
        if self.rows.is_empty() {
            return None;
        }
        let known = self.rows.get(observation.clerk_id())?;
        let is_same_version = match U::VERSION {
            VersionSource::UpdatedAt { .. } => known.version == observation.version,
            // Each token has a separate version.
            VersionSource::IssuedAt => true,
        };
        (is_same_version && known.claims == self.fingerprint(observation.source)).then_some(known)
    }

    /// Records the row that a write of these claims has returned. Returns whether the write has changed the row.
    ///
    /// Records matching rows as well, because a trigger may change them afterwards.
    pub(crate) fn record(&self, observation: &Observation<'_, U>, stored: &StoredRow<U>) -> bool {
        let (clerk_id, version) = (observation.clerk_id(), observation.version);
        if stored.deleted || stored.version > version {
            return true;
        }
        let is_changed = stored.version == version;
        let is_equal = stored.user.matches(&observation.claims);
        let known = Known {
            version,
            claims: self.fingerprint(observation.source),
            row: (!is_equal || !is_changed).then(|| Arc::clone(&stored.user)),
            stored: stored.version,
        };
        if known.row.is_some() {
            self.report(
                clerk_id,
                &stored
                    .user
                    .compare(Compared::Claims(&observation.claims), different),
                is_changed,
            );
        }
        self.rows.insert(clerk_id.into(), Arc::new(known));
        is_changed
    }

    fn report(&self, clerk_id: &str, columns: &[&'static str], is_changed: bool) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let row = LoggedRow::new::<U>(clerk_id);
        if !is_changed {
            if reported.insert("") {
                log_row!(
                    warn,
                    row,
                    columns = columns.join(", "),
                    "a write changes nothing: a trigger of the table keeps the old row. It is tried once for each version of \
                     a user, and the row is served as it is"
                );
            }
            return;
        }
        let new: Vec<&str> = columns
            .iter()
            .copied()
            .filter(|column| reported.insert(column))
            .collect();
        if !new.is_empty() {
            log_row!(
                warn,
                row,
                columns = new.join(", "),
                "the database keeps another value than was written: a trigger, a domain, a type or a collation normalizes it. \
                 Such a row is written once for each version of a user; normalize the value in `FromClaim` instead, so that \
                 the struct holds what the database keeps"
            );
        }
    }

    /// Hashes the claims of the template, without their version.
    fn fingerprint(&self, source: ClaimSource<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for claim in U::TEMPLATE {
            if matches!(U::VERSION, VersionSource::UpdatedAt { claim: version } if version == claim.name) {
                continue;
            }
            match source.claim(claim.name) {
                Claim::Absent => 0_u8.hash(&mut hasher),
                Claim::Null => 1_u8.hash(&mut hasher),
                Claim::Value(value) => value.to_string().hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}
