//! The upsert of many rows, whose text grows with the number of rows.

use std::fmt::Write as _;

/// An upsert of any number of rows in one statement. Its `VALUES` have the parameters of each row, of any types, bound
/// like those of a single row. PostgreSQL accepts 65,535 parameters, SQLite 32,766.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::row::{StoredIn, UpsertMany};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let statement: UpsertMany = <User as StoredIn<sqlx::Sqlite>>::UPSERT_MANY;
/// assert_eq!(statement.parameters(), 3); // two columns and the version
/// assert!(statement.to_sql(2).contains("($1, $2, $3), ($4, $5, $6)"));
/// # }
/// ```
// `UNNEST` with one array per column would have a fixed text. But sqlx supports arrays only of types with
// `PgHasArrayType`, which JSON and an application's own types lack. In `tests/benches/import_cost.rs` arrays were
// faster by 4 to 23 percent: too little for a second implementation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UpsertMany {
    before: &'static str,
    after: &'static str,
    parameters: usize,
}

impl UpsertMany {
    /// Creates a statement from the text before and after the rows, and the number of parameters per row.
    pub const fn new(before: &'static str, after: &'static str, parameters: usize) -> Self {
        Self {
            before,
            after,
            parameters,
        }
    }

    /// Returns the number of parameters per row.
    pub const fn parameters(&self) -> usize {
        self.parameters
    }

    /// Returns the statement for this many rows, at least one.
    ///
    /// ```
    /// use clerk_auth::row::UpsertMany;
    ///
    /// let statement = UpsertMany::new("INSERT INTO users (clerk_id, name) VALUES ", " RETURNING clerk_id", 2);
    /// assert_eq!(
    ///     statement.to_sql(2),
    ///     "INSERT INTO users (clerk_id, name) VALUES ($1, $2), ($3, $4) RETURNING clerk_id"
    /// );
    /// ```
    pub fn to_sql(&self, rows: usize) -> String {
        let mut sql =
            String::with_capacity(self.before.len() + self.after.len() + rows * (4 + 8 * self.parameters));
        sql.push_str(self.before);
        for row in 0..rows.max(1) {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for place in 1..=self.parameters {
                let comma = if place == 1 { "" } else { ", " };
                // SQLite reads `$1` as well as `?1`.
                let number = row * self.parameters + place;
                // Writing to a `String` cannot fail.
                let _ = write!(sql, "{comma}${number}");
            }
            sql.push(')');
        }
        sql.push_str(self.after);
        sql
    }
}
