//! The comparison of a row with claims, or with another row.

use super::SyncedRow;

/// The other side of a comparison with a row.
#[doc(hidden)]
#[derive(Debug)]
pub enum Compared<'a, U: SyncedRow> {
    /// The claims of the row's user.
    Claims(&'a U::Claims),
    /// Another row.
    Row(&'a U),
}

pub(crate) fn all_equal(columns: &[(&'static str, bool)]) -> bool {
    columns.iter().all(|(_, is_equal)| *is_equal)
}

pub(crate) fn different(columns: &[(&'static str, bool)]) -> Vec<&'static str> {
    let different = columns.iter().filter(|(_, is_equal)| !is_equal);
    different.map(|(name, _)| *name).collect()
}
