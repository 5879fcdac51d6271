//! A statement that sync runs for a struct, with the types of its parameters.

/// A statement that sync runs for a struct: one of [`StoredIn::STATEMENTS`](super::StoredIn::STATEMENTS).
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::user::{Parameter, Statement, StoredIn};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let statements: &[Statement] = <User as StoredIn<sqlx::Sqlite>>::STATEMENTS;
/// assert_eq!((statements[0].name, statements[0].parameters), ("SELECT", &[Parameter::Text][..]));
/// let names: Vec<&str> = statements.iter().map(|statement| statement.name).collect();
/// assert!(names.contains(&"CLAIM_COLUMNS.email.holder"));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Statement {
    /// The constant of [`StoredIn`](super::StoredIn) with the text: `SELECT`, `TOMBSTONES.select`.
    pub name: &'static str,
    /// The SQL text. For [`UPSERT_MANY`](super::StoredIn::UPSERT_MANY), the text is for two rows.
    pub sql: &'static str,
    /// The types of the parameters, in their order.
    pub parameters: &'static [Parameter],
}

/// The type of a statement's parameter.
///
/// ```
/// use clerk_auth::user::Parameter;
///
/// /// The type as PostgreSQL's `PREPARE` expects it.
/// fn sql_type(parameter: Parameter) -> &'static str {
///     match parameter {
///         Parameter::Text => "TEXT",
///         Parameter::Texts => "TEXT[]",
///         Parameter::Integer => "BIGINT",
///         _ => "UNKNOWN",
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Parameter {
    /// A text.
    Text,
    /// Any number of texts: `TEXT[]` on PostgreSQL, a JSON array of texts on SQLite.
    Texts,
    /// A 64-bit integer.
    Integer,
    /// The type of the column at this index of [`StoredIn::COLUMNS`](super::StoredIn::COLUMNS).
    Column(usize),
}
