//! Binds a row's parameters in one function for all structs, because rustc is slow on functions with many fallible
//! steps.

use sqlx::Database;
use sqlx::error::BoxDynError;

use super::column::{ColumnField, WriteColumn};
use crate::row::StoredIn;

/// Implements [`StoredIn::bind`]: binds the claims, the key after a given number of them, and the version.
pub fn bind<U: StoredIn<DB>, DB: Database, K>(
    claims: &U::Claims,
    version: i64,
    arguments: &mut DB::Arguments,
    before: usize,
    key: &K,
    add_key: fn(&K, &mut DB::Arguments) -> Result<(), BoxDynError>,
) -> Result<(), BoxDynError>
where
    i64: WriteColumn<DB>,
{
    for column in 0..before {
        U::bind_claim(claims, column, arguments)?;
    }
    add_key(key, arguments)?;
    for column in before..U::CLAIM_COLUMNS.len() {
        U::bind_claim(claims, column, arguments)?;
    }
    ColumnField::<i64, DB>::add(&version, arguments)
}
