//! The statements that sync runs for a struct, with their parameter types.

/// A statement that sync runs for a struct: one of [`StoredIn::statements`](super::StoredIn::statements).
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::row::{Parameter, Statement, StoredIn};
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let statements: Vec<Statement> = <User as StoredIn<sqlx::Sqlite>>::statements();
/// assert_eq!((statements[0].name, &statements[0].parameters[..]), ("SELECT", &[Parameter::Text][..]));
/// let names: Vec<&str> = statements.iter().map(|statement| statement.name).collect();
/// assert!(names.contains(&"CLAIM_COLUMNS.email.holder"));
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// The constant of [`StoredIn`](super::StoredIn) with the text: `SELECT`, `TOMBSTONES.select`.
    pub name: &'static str,
    /// The SQL text. That of [`UPSERT_MANY`](super::StoredIn::UPSERT_MANY) has two rows.
    pub sql: &'static str,
    /// The types of the parameters, in their order.
    pub parameters: Vec<Parameter>,
}

impl Statement {
    pub(crate) fn new(name: &'static str, sql: &'static str, parameters: &[Parameter]) -> Self {
        Self {
            name,
            sql,
            parameters: parameters.to_vec(),
        }
    }

    /// Reads the derive's list: per statement a name, a word for each parameter, and the SQL, separated by NULs.
    pub(super) fn read_list(list: &'static str) -> Vec<Self> {
        let parameter = |word: &str| match word {
            "text" => Parameter::Text,
            "texts" => Parameter::Texts,
            "integer" => Parameter::Integer,
            place => Parameter::Column(place.parse().expect("the derive writes the place of a column")),
        };
        let parts: Vec<&'static str> = list.split('\0').collect();
        let statements = parts.as_chunks().0.iter();
        statements
            .map(|&[name, parameters, sql]| Self {
                name,
                sql,
                parameters: parameters.split_whitespace().map(parameter).collect(),
            })
            .collect()
    }
}

/// The type of a statement's parameter.
///
/// ```
/// use clerk_auth::row::Parameter;
///
/// /// Returns the type in the form that PostgreSQL's `PREPARE` expects.
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
