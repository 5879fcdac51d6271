//! The traits that `#[derive(SyncedUser)]` implements: the conversion of claims to a row, and its storage in a
//! database.

mod create_table;
mod denials_table;
mod statement;

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::Database;

use self::create_table::CreateTable;
pub use self::denials_table::CREATE_DENIALS;
pub(crate) use self::denials_table::{DENIAL_COLUMNS, DENIALS_TABLE};
pub use self::statement::{Parameter, Statement};
use crate::claim::{ClaimSource, SessionTokenBudget, TemplateClaim, UnreadableClaims};

/// A struct that is a row of the application's own `users` table, kept equal to Clerk's claims.
///
/// Derive it; the derive checks every field against the session-token template.
///
/// Constants expose the derive's results, for migrations, tests and pasting the template into Clerk's dashboard:
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// assert_eq!((User::NAME, User::TABLE), ("User", "users"));
/// assert!(User::SESSION_TOKEN_TEMPLATE.contains("{{user.primary_email_address}}"));
/// assert_eq!(User::FRESH_FOR.as_secs(), 5);
/// # }
/// ```
///
/// Functions over any such struct take it as a parameter, as [`UserSync`](crate::UserSync) does: `fn f<U: SyncedUser>(…)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced",
    label = "needs `#[derive(SyncedUser)]`, and fields that are `Send` and `Sync`",
    note = "a field that is not `Send` and `Sync` is reported at the field"
)]
pub trait SyncedUser: Derived + Sized + Send + Sync + 'static {
    /// The columns that come from claims, in the struct's own types.
    type Claims: Send + Sync + 'static;

    /// The name of the struct, for messages and spans.
    const NAME: &'static str;

    /// The table, with its schema if the struct names one: `users`, `accounts.users`.
    const TABLE: &'static str;

    /// The JSON text to paste into Clerk's dashboard (Sessions, Customize session token).
    const SESSION_TOKEN_TEMPLATE: &'static str;

    /// The template, parsed.
    const TEMPLATE: &'static [TemplateClaim];

    /// The largest size of the template's claims in a session token.
    const SESSION_TOKEN_BUDGET: SessionTokenBudget;

    /// The source of a token's version.
    const VERSION: VersionSource;

    /// How long a row may be served from memory after it was read. Zero disables the cache.
    ///
    /// The default is five seconds, a twelfth of a session token's life. For a struct with columns that sync does not
    /// write (`#[column(app)]`, `#[claim(insert_only)]`), the default is zero, because such columns may change at any
    /// time. Set `fresh_for = "…"` on the struct to override.
    const FRESH_FOR: Duration;

    /// Returns the SQL for a migration of the application, which creates the tables in the database `DB`:
    /// [`StoredIn::CREATE_TABLE`] with a semicolon, the table of [`StoredIn::TOMBSTONES`] if there is one, and
    /// [`CREATE_DENIALS`].
    ///
    /// ```
    /// # #[cfg(feature = "postgres")] {
    /// use clerk_auth::SyncedUser;
    ///
    /// #[derive(SyncedUser)]
    /// #[synced_user(table = "users", database(postgres))]
    /// struct User {
    ///     clerk_id: String,
    ///     email: Option<String>,
    /// }
    ///
    /// let sql = User::migration_sql::<sqlx::Postgres>();
    /// assert!(sql.starts_with("CREATE TABLE \"users\" (\n    \"clerk_id\" TEXT NOT NULL UNIQUE,"));
    /// # }
    /// ```
    fn migration_sql<DB: Database>() -> String
    where
        Self: StoredIn<DB>,
    {
        let tombstones = Self::TOMBSTONES.map(|it| it.create_table);
        let tables = [Self::CREATE_TABLE]
            .into_iter()
            .chain(tombstones)
            .chain([CREATE_DENIALS]);
        tables.map(|sql| format!("{sql};\n")).collect()
    }

    /// Reads the claims of one user into the struct's own types.
    ///
    /// # Errors
    ///
    /// [`UnreadableClaims`] lists every claim that is absent, null without permission, or of another kind.
    fn read_claims(source: ClaimSource<'_>) -> Result<Self::Claims, UnreadableClaims>;

    /// Returns whether the row already holds these claims, so that a write is unnecessary.
    fn holds(&self, claims: &Self::Claims) -> bool;

    /// Returns whether two rows hold equal values in the columns that claims feed.
    #[doc(hidden)]
    fn agrees(&self, other: &Self) -> bool {
        let _ = other;
        false
    }

    /// Lists the columns that differ from their claims.
    #[doc(hidden)]
    fn differences(&self, claims: &Self::Claims) -> Vec<&'static str> {
        let _ = claims;
        Vec::new()
    }

    /// Returns a copy for a handler that takes the user by value; `None` for a struct that is not `Clone`. Without
    /// `Clone`, each such handler reads its own row.
    fn copy(&self) -> Option<Self>;

    /// Sets one claim to null, by its index among [`StoredIn::CLAIM_COLUMNS`]; returns false if the field cannot be
    /// null.
    fn clear(claims: &mut Self::Claims, column: usize) -> bool;
}

/// A struct with `#[derive(SyncedUser)]`, whatever its fields are. Implemented even for a struct that is not `Send +
/// Sync`, and therefore not a [`SyncedUser`]. That error is reported at the field; without this trait every handler
/// would repeat it.
#[doc(hidden)]
pub trait Derived {}

/// The source of a version for a session token's claims.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::user::VersionSource;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
/// }
///
/// assert_eq!(User::VERSION, VersionSource::UpdatedAt { claim: "updatedAt" });
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VersionSource {
    /// The claim whose template value is `{{user.updated_at}}`, by name.
    UpdatedAt {
        /// The claim's name.
        claim: &'static str,
    },
    /// The time at which the token's claims were read: its `iat`, or the header's `oiat` if that is earlier
    /// ([`Session::claims_read_at`](crate::Session::claims_read_at)).
    ///
    /// Weaker than `{{user.updated_at}}`, because it does not show when the user changed:
    ///
    /// - claims read within a second of a change can lack it, and a token with them can win over the webhook;
    /// - the time is stored only with changed claims, so a token that repeats the claims of an even earlier time can win
    ///   over tokens that confirmed the row since.
    IssuedAt,
}

/// A column as `CREATE TABLE` defines it.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::user::StoredIn;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let columns = <User as StoredIn<sqlx::Sqlite>>::COLUMNS;
/// let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
/// assert_eq!(names, ["clerk_id", "email", "clerk_version", "clerk_deleted_at"]);
/// assert_eq!((columns[0].sql_type, columns[0].clauses.concat()), ("TEXT", " NOT NULL UNIQUE".to_owned()));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ColumnDefinition {
    /// Its name, unquoted.
    pub name: &'static str,
    /// Its type.
    pub sql_type: &'static str,
    /// The clauses that follow the type: ` NOT NULL`, ` DEFAULT 0`; some may be empty.
    pub clauses: &'static [&'static str],
    /// True if sync inserts the value; otherwise the database generates it.
    pub inserted: bool,
}

/// A column that a claim feeds, with the statement to find a row with the same value.
///
/// Sync runs these statements on a unique violation of the application's own index. Read them to check that an index
/// serves them:
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::user::StoredIn;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(sqlite))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// for column in <User as StoredIn<sqlx::Sqlite>>::CLAIM_COLUMNS {
///     println!("{}: {}", column.name, column.holder);
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClaimColumn {
    /// The column's name.
    pub name: &'static str,
    /// True if Clerk itself keeps the value unique within an instance. The claim is then exactly
    /// `{{user.primary_email_address}}`, `{{user.primary_phone_number}}`, `{{user.username}}` or
    /// `{{user.external_id}}`, without `with`, `default` and `insert_only`. A unique violation on such a column is
    /// resolved by "the newest version wins". For any other column, a taken value refuses the new user.
    pub unique_in_clerk: bool,
    /// Finds the Clerk user ids of other rows with this value, ten at most: value (parameter 1), Clerk user id (parameter 2).
    pub holder: &'static str,
    /// Like [`holder`](Self::holder), for an index that ignores case.
    pub holder_ignoring_case: &'static str,
    /// Makes the column null in a row that is older or a tombstone: Clerk user id (parameter 1), version in milliseconds
    /// (parameter 2). `None` for a column that is never null.
    pub give_way: Option<&'static str>,
}

/// The table of deleted users whose rows were removed, with its statements.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::user::StoredIn;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", tombstones = "clerk_tombstones", database(sqlite))]
/// struct User {
///     clerk_id: String,
/// }
///
/// let tombstones = <User as StoredIn<sqlx::Sqlite>>::TOMBSTONES.expect("the struct names their table");
/// assert_eq!(tombstones.table, "clerk_tombstones");
/// assert!(User::migration_sql::<sqlx::Sqlite>().contains(tombstones.create_table));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tombstones {
    /// The table, with its schema if the struct names one: `clerk_tombstones`, `accounts.clerk_tombstones`.
    pub table: &'static str,
    /// Creates the table: the Clerk user id as its primary key, and the time of the deletion.
    pub create_table: &'static str,
    /// Returns whether a user has a tombstone (boolean): Clerk user id (parameter 1).
    pub select: &'static str,
    /// Reads which of any number of Clerk user ids have a tombstone (parameter 1, as of [`StoredIn::SELECT_MANY`]).
    pub select_many: &'static str,
    /// Deletes a user's row: Clerk user id (parameter 1).
    pub delete: &'static str,
}

/// An upsert of any number of rows in one statement: `VALUES` with the parameters of each row, bound like those of one
/// row, whatever their types. PostgreSQL accepts 65,535 parameters, SQLite 32,766.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::user::{StoredIn, UpsertMany};
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
/// assert!(statement.sql(2).contains("($1, $2, $3), ($4, $5, $6)"));
/// # }
/// ```
// `UNNEST` of one array for each column would be a text of fixed length. But sqlx has arrays only of types with
// `PgHasArrayType`, which JSON and an application's own types lack. Where arrays work, they were faster by 4 to 23
// percent, in `tests/examples/import_cost.rs`: too little for a second implementation.
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
    /// use clerk_auth::user::UpsertMany;
    ///
    /// let statement = UpsertMany::new("INSERT INTO users (clerk_id, name) VALUES ", " RETURNING clerk_id", 2);
    /// assert_eq!(
    ///     statement.sql(2),
    ///     "INSERT INTO users (clerk_id, name) VALUES ($1, $2), ($3, $4) RETURNING clerk_id"
    /// );
    /// ```
    pub fn sql(&self, rows: usize) -> String {
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

/// The storage of a [`SyncedUser`] in the database `DB`: statements, values and rows.
///
/// The derive implements it for each database of the struct. The statements are constants so that an application can
/// read them, `EXPLAIN` them and put the DDL into its migrations:
///
/// ```
/// # #[cfg(feature = "postgres")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::user::StoredIn;
///
/// #[derive(SyncedUser)]
/// #[synced_user(table = "users", database(postgres))]
/// struct User {
///     clerk_id: String,
///     email: Option<String>,
/// }
///
/// let select = <User as StoredIn<sqlx::Postgres>>::SELECT;
/// assert!(select.ends_with(r#"FROM "users" WHERE "users"."clerk_id" = $1"#));
/// # }
/// ```
pub trait StoredIn<DB: Database>: SyncedUser {
    /// Reads one row by Clerk user id (parameter 1). Columns: those of the struct in the order of its fields, then the
    /// version (64-bit integer) and whether the row is a tombstone (boolean).
    const SELECT: &'static str;

    /// Reads the row as [`SELECT`](Self::SELECT) does, and locks it until the transaction ends. On SQLite this is
    /// `SELECT`: a transaction that writes blocks every other writer.
    const SELECT_FOR_UPDATE: &'static str = Self::SELECT;

    /// Reads rows by any number of Clerk user ids (parameter 1: `TEXT[]` on Postgres, a JSON array of texts on SQLite).
    /// Columns: those of [`SELECT`](Self::SELECT), then the Clerk user id.
    const SELECT_MANY: &'static str;

    /// Lists Clerk user ids of live rows in order: ids greater than parameter 1 (empty string for the first page), at
    /// most parameter 2 of them (a 64-bit integer).
    const SELECT_IDS: &'static str;

    /// Inserts the row, or updates it if the version is not older; the parameters are those of [`bind`](Self::bind).
    /// Always returns the row that won: the columns of [`SELECT`](Self::SELECT), then whether the row was inserted.
    /// That boolean is always false on SQLite, where the store reads it from the transaction. With
    /// [`TOMBSTONES`](Self::TOMBSTONES), writes and returns nothing for a user who has a tombstone.
    ///
    /// On PostgreSQL, if rows are cached ([`SyncedUser::FRESH_FOR`]), also notifies every process that listens. One
    /// more parameter (text) then names the sender, and one more column precedes the version.
    const UPSERT: &'static str;

    /// Inserts the row unless there is one, for a user who had none a moment ago, or probably has none. Cheaper than
    /// [`UPSERT`](Self::UPSERT). The parameters are those of [`bind`](Self::bind). Returns the columns of
    /// [`SELECT`](Self::SELECT) and that the row was inserted. Returns no row if a row or a tombstone exists by now.
    /// Sends no notification.
    const INSERT: &'static str;

    /// Reads the row, or inserts it if there is none, for a user who probably has none. Neither writes nor locks an
    /// existing row. The parameters are those of [`bind`](Self::bind). Returns the columns of [`SELECT`](Self::SELECT)
    /// and whether the row was inserted. Returns no row if another transaction has inserted the row meanwhile, or if
    /// the user has a tombstone. Sends no notification. `None` on SQLite, which does not support `INSERT` inside
    /// another statement; there [`INSERT`](Self::INSERT) reports whether a row exists.
    const SELECT_OR_INSERT: Option<&'static str> = None;

    /// Like [`UPSERT`](Self::UPSERT) for many rows, which must be of different users. The parameters are those of
    /// [`bind`](Self::bind), once for each row. Returns the rows that won: the columns of [`SELECT`](Self::SELECT),
    /// whether the row was inserted, and the Clerk user id. Sends no notification.
    const UPSERT_MANY: UpsertMany;

    /// Records that the row's claims are current at a newer version: Clerk user id (parameter 1), version in
    /// milliseconds (parameter 2). Changes nothing else, and has no effect on a row of a newer version or a tombstone.
    const RAISE_VERSION: &'static str;

    /// Like [`RAISE_VERSION`](Self::RAISE_VERSION) for many rows: a JSON object of versions by Clerk user id (parameter
    /// 1, text).
    const RAISE_VERSION_MANY: &'static str;

    /// Marks the row of a user as deleted, or adds the user to the [`TOMBSTONES`](Self::TOMBSTONES): Clerk user id
    /// (parameter 1). Changes nothing if that has been done.
    const TOMBSTONE: &'static str;

    /// The table of deleted users whose rows were removed; `None` if their rows stay.
    const TOMBSTONES: Option<Tombstones> = None;

    /// Every statement that sync runs for the struct, each once. At start-up, sync makes the database plan all of them;
    /// an application's own test can `EXPLAIN` them.
    const STATEMENTS: &'static [Statement];

    /// Creates the table with its primary key and the unique index on the Clerk user id.
    const CREATE_TABLE: &'static str = CreateTable::<Self, DB>::TEXT;

    /// The struct's columns in the order of its fields, then the version and, if the row of a deleted user stays, the
    /// tombstone.
    const COLUMNS: &'static [ColumnDefinition];

    /// The columns that claims feed, in the order of the struct's fields. Each has the statements that resolve a unique
    /// violation of an application's own index on it.
    const CLAIM_COLUMNS: &'static [ClaimColumn];

    /// Adds the parameters of [`UPSERT`](Self::UPSERT): the claim columns in the order of the struct's fields, then the
    /// version in milliseconds.
    ///
    /// # Errors
    ///
    /// Returns the error of a column's encoder.
    fn bind(
        claims: &Self::Claims,
        version: i64,
        arguments: &mut DB::Arguments,
    ) -> Result<(), sqlx::error::BoxDynError>;

    /// Adds one claim as a parameter, by its index among [`CLAIM_COLUMNS`](Self::CLAIM_COLUMNS).
    ///
    /// # Errors
    ///
    /// Returns the error of the column's encoder.
    fn bind_claim(
        claims: &Self::Claims,
        column: usize,
        arguments: &mut DB::Arguments,
    ) -> Result<(), sqlx::error::BoxDynError>;

    /// Adds a null of the type of a column that sync inserts, by its index among [`COLUMNS`](Self::COLUMNS).
    ///
    /// # Errors
    ///
    /// Returns the error of the column's encoder.
    fn add_null(column: usize, arguments: &mut DB::Arguments) -> Result<(), sqlx::error::BoxDynError>;

    /// Returns whether the field of a column, by its index among [`COLUMNS`](Self::COLUMNS), can be read from this
    /// type.
    fn can_read(column: usize, found: &DB::TypeInfo) -> bool;

    /// Reads the struct from a row of [`SELECT`](Self::SELECT) or [`UPSERT`](Self::UPSERT), by position from 0.
    ///
    /// # Errors
    ///
    /// Returns the error of a column's decoder.
    fn from_row(row: &DB::Row) -> Result<Self, sqlx::Error>;
}
