//! Records the rows that the database stores differently from the written values: a trigger, a domain, `CHAR(n)` or
//! another type normalizes a value, or a trigger keeps the old row. Such a row is written once for each version, and
//! then recognized as the normalization of the claims.

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

/// The maximum number of recorded users. Each costs about its row.
const MAX_REMEMBERED: usize = 10_000;

/// The rows that are the database's normalization of their claims.
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
    /// The row after that write, if it does not match the claims. A row that matches is the request's own.
    row: Option<Arc<U>>,
    /// Its version, which is older if the database kept the old row.
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
    /// Returns whether a row is the database's normalization of these claims, although it does not match them.
    pub(crate) fn knows(&self, observation: &Observation<'_, U>, stored: &StoredRow<U>) -> bool {
        self.known(observation).is_some_and(|known| {
            let is_same_row = known
                .row
                .as_ref()
                .is_some_and(|row| row.compare(Compared::Row(&stored.user), all_equal));
            is_same_row && known.stored == stored.version && !stored.deleted
        })
    }

    /// Returns whether these claims have been written before and the returned row matched them. A row that does not
    /// match was then changed later, by another program or by a trigger that runs afterwards.
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

    /// Records the row that a write of these claims has returned. Returns whether the row was changed at all.
    ///
    /// A matching row is recorded as well: a trigger may change it afterwards.
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
