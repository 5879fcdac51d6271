//! Reads rows: the struct's columns come first, and sync's own columns follow.
//!
//! Sync's columns are read by position from the end, because the application's columns may have any name. After the
//! struct's columns, the statements of [`StoredIn`] return:
//!
//! | statement | columns |
//! |---|---|
//! | `SELECT`, `SELECT_FOR_UPDATE` | version, deleted |
//! | `SELECT_MANY` | version, deleted, Clerk user id |
//! | `SELECT_JOINED` | version, deleted: three times, each after the columns of its struct |
//! | `UPSERT`, `INSERT`, `SELECT_OR_INSERT`, `LINK.update` | version, deleted, inserted |
//! | `UPSERT_MANY` | version, deleted, inserted, Clerk user id |

use std::sync::Arc;

use sqlx::Row;

use super::queries::Queries;
use crate::row::StoredIn;
#[cfg(feature = "backend-api")]
use crate::sync::model::row::UpsertedRow;
use crate::sync::model::row::{StoredRow, Upserted};
use crate::sync::model::version::Version;

/// Reads a row of `SELECT`.
pub(super) fn selected<DB: Queries, U: StoredIn<DB>>(row: &DB::Row) -> Result<StoredRow<U>, sqlx::Error> {
    stored::<DB, U>(row, 0, row.len() - 2)
}

/// Reads the part of a row of `SELECT_JOINED` that begins at this column; `None` if the row is missing.
pub(super) fn joined<DB: Queries, U: StoredIn<DB>>(
    row: &DB::Row,
    first: usize,
) -> Result<Option<StoredRow<U>>, sqlx::Error> {
    let version = first + U::WIDTH - 2;
    match DB::optional_integer(row, version)? {
        Some(_) => stored::<DB, U>(row, first, version).map(Some),
        None => Ok(None),
    }
}

/// Reads a row of `SELECT_MANY`.
pub(super) fn selected_of_many<DB: Queries, U: StoredIn<DB>>(
    row: &DB::Row,
) -> Result<(String, StoredRow<U>), sqlx::Error> {
    Ok((last_id::<DB>(row)?, stored::<DB, U>(row, 0, row.len() - 3)?))
}

/// Reads a row of a statement that writes a single row.
pub(super) fn written<DB: Queries, U: StoredIn<DB>>(
    row: &DB::Row,
    inserted: bool,
) -> Result<Upserted<U>, sqlx::Error> {
    Ok(Upserted {
        stored: stored::<DB, U>(row, 0, row.len() - 3)?,
        inserted,
        linked: false,
    })
}

/// Returns whether a statement that writes one row has inserted it. SQLite's upsert does not report this.
pub(super) fn is_inserted<DB: Queries>(row: &DB::Row) -> Result<bool, sqlx::Error> {
    DB::boolean(row, row.len() - 1)
}

/// Reads the columns of `UPSERT_MANY` after those of the struct.
#[cfg(feature = "backend-api")]
pub(super) fn written_of_many<DB: Queries>(row: &DB::Row) -> Result<UpsertedRow, sqlx::Error> {
    let columns = row.len();
    Ok(UpsertedRow {
        version: Version::stored(DB::integer(row, columns - 4)?),
        deleted: DB::boolean(row, columns - 3)?,
        inserted: DB::boolean(row, columns - 2)?,
        linked: false,
        clerk_id: last_id::<DB>(row)?,
    })
}

/// Reads the Clerk user id of a statement for many users: its last column.
pub(super) fn last_id<DB: Queries>(row: &DB::Row) -> Result<String, sqlx::Error> {
    DB::text(row, row.len() - 1)
}

fn stored<DB: Queries, U: StoredIn<DB>>(
    row: &DB::Row,
    first: usize,
    version: usize,
) -> Result<StoredRow<U>, sqlx::Error> {
    Ok(StoredRow {
        user: Arc::new(U::from_row(row, first)?),
        version: Version::stored(DB::integer(row, version)?),
        deleted: DB::boolean(row, version + 1)?,
    })
}
