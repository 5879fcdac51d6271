//! The results of reading and writing a row.

use std::sync::Arc;

use super::version::Version;
use crate::claim::UnreadableClaims;

/// A row and its bookkeeping.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct StoredRow<U> {
    pub(crate) user: Arc<U>,
    pub(crate) version: Version,
    pub(crate) deleted: bool,
}

impl<U> Clone for StoredRow<U> {
    fn clone(&self) -> Self {
        Self {
            user: Arc::clone(&self.user),
            ..*self
        }
    }
}

/// The row after an upsert: the winning row, whichever process wrote it.
#[derive(Debug)]
pub(crate) struct Upserted<U> {
    pub(crate) stored: StoredRow<U>,
    pub(crate) inserted: bool,
    /// True if an existing row without a Clerk user id was linked to the user.
    pub(crate) linked: bool,
}

impl<U> Upserted<U> {
    pub(crate) const fn winner(&self) -> Winner {
        Winner {
            version: self.stored.version,
            deleted: self.stored.deleted,
            inserted: self.inserted,
            linked: self.linked,
        }
    }
}

/// The values that determine the outcome of an upsert.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Winner {
    pub(crate) version: Version,
    pub(crate) deleted: bool,
    pub(crate) inserted: bool,
    pub(crate) linked: bool,
}

/// The result for one of many rows after an upsert: the winning row, whichever process wrote it.
#[cfg(feature = "backend-api")]
#[derive(Debug)]
pub(crate) struct UpsertedRow {
    pub(crate) clerk_id: String,
    pub(crate) version: Version,
    pub(crate) deleted: bool,
    pub(crate) inserted: bool,
    pub(crate) linked: bool,
}

#[cfg(feature = "backend-api")]
impl UpsertedRow {
    pub(crate) const fn winner(&self) -> Winner {
        Winner {
            version: self.version,
            deleted: self.deleted,
            inserted: self.inserted,
            linked: self.linked,
        }
    }
}

/// The row with a user's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum KeyHolder {
    /// No row has the key, or the user has none.
    None,
    /// The row has no Clerk user id.
    Unlinked,
    /// The row has no Clerk user id, and is marked as deleted.
    Deleted,
    /// The row belongs to this user.
    User(String),
    /// The column cannot hold the key.
    Invalid(UnreadableClaims),
}
