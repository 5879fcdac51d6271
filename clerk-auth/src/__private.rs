//! What generated code may name. Not part of the public interface: it changes without notice.

pub use sqlx;

mod column;
mod sql_type;
mod text;

pub use column::{ClaimField, ColumnField, UnheldClaim, UnstoredColumn};
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub use column::{PostgresAndSqliteClaimColumn, PostgresAndSqliteOwnColumn};
#[cfg(feature = "postgres")]
pub use column::{PostgresClaimColumn, PostgresOwnColumn};
#[cfg(feature = "sqlite")]
pub use column::{SqliteClaimColumn, SqliteOwnColumn};
pub use sql_type::{SqlType, SqlTypeOf};
pub use text::{concat, length, text};
