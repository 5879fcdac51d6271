//! The traits of a synced row, which the derives implement: conversion from claims, and storage in a database.

mod column;
mod compared;
mod create_table;
mod denials_table;
mod derived;
mod inert;
mod kind;
mod statement;
mod upsert_many;
mod version_source;

use std::time::Duration;

use sqlx::Database;

pub use self::column::{BoundKey, ClaimColumn, ColumnDefinition, Link, Tombstones};
pub use self::compared::Compared;
pub(crate) use self::compared::{all_equal, different};
use self::create_table::create_table;
pub(crate) use self::create_table::sql_type;
pub use self::denials_table::CREATE_DENIALS;
pub(crate) use self::denials_table::{DENIAL_COLUMNS, DENIALS_TABLE};
pub use self::derived::{
    Derived, DerivedMembership, DerivedOrganization, KeyedBy, SyncedMembership, SyncedOrganization,
    SyncedUser,
};
pub use self::inert::Inert;
pub use self::kind::RowKind;
pub use self::statement::{Parameter, Statement};
pub use self::upsert_many::UpsertMany;
pub use self::version_source::VersionSource;
use crate::claim::{ClaimSource, SessionTokenBudget, TemplateClaim, UnreadableClaims};

/// A row of one of the application's own tables, kept equal to Clerk's claims: a user, an organization or a membership.
///
/// Only derives implement this trait, [`SyncedUser`](macro@crate::SyncedUser) for a user, so any release may add items.
/// Constants expose the derive's results, for migrations, tests and pasting the template into Clerk's dashboard:
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::{SyncedRow, SyncedUser};
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be synced",
    label = "needs `#[derive(SyncedUser)]`, and fields that are `Send` and `Sync`",
    note = "a field that is not `Send` and `Sync` is reported at the field"
)]
pub trait SyncedRow: Sized + Send + Sync + 'static {
    /// The kind of the row.
    #[doc(hidden)]
    const KIND: RowKind;

    /// The column that other tables reference: `id` if the database generates it, otherwise the Clerk id.
    #[doc(hidden)]
    const LOCAL_KEY: &'static str;

    /// The column with the Clerk id.
    #[doc(hidden)]
    const CLERK_ID: &'static str;

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
    /// time. To override the default, set `fresh_for = "…"` on the struct.
    const FRESH_FOR: Duration;

    /// Returns the SQL of a migration that creates the tables in the database `DB`. The migration consists of
    /// [`StoredIn::create_table`] with a semicolon, the table of [`StoredIn::TOMBSTONES`], if any, and
    /// [`CREATE_DENIALS`].
    ///
    /// ```
    /// # #[cfg(feature = "postgres")] {
    /// use clerk_auth::{SyncedRow, SyncedUser};
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
        let create_table = Self::create_table();
        let tombstones = Self::TOMBSTONES.map(|it| it.create_table);
        let tables = [&*create_table]
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

    /// Returns whether the row already matches these claims, so that nothing has to be written.
    fn matches(&self, claims: &Self::Claims) -> bool {
        self.compare(Compared::Claims(claims), all_equal)
    }

    /// Compares the columns that claims feed and keep. Calls `read` with the name of each, and whether the values are
    /// equal.
    ///
    /// A single function for all comparisons, because each generated function costs rustc two per cent of its work.
    #[doc(hidden)]
    fn compare<R>(&self, with: Compared<'_, Self>, read: fn(&[(&'static str, bool)]) -> R) -> R;

    /// Returns a clone for a handler that takes the row by value; `None` for a struct that is not `Clone`. Without
    /// `Clone`, each such handler reads its own row.
    fn try_clone(&self) -> Option<Self>;

    /// Sets one claim to null, by its index among [`StoredIn::CLAIM_COLUMNS`]; returns false if the field cannot be
    /// null.
    fn set_null(claims: &mut Self::Claims, column: usize) -> bool;
}

/// The storage of a [`SyncedRow`] in the database `DB`: statements, values and rows.
///
/// Only the derive implements this trait, for each database of the struct, so any release may add items. The statements
/// are constants so that an application can read them, `EXPLAIN` them and put the DDL into its migrations:
///
/// ```
/// # #[cfg(feature = "postgres")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::row::StoredIn;
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
#[diagnostic::on_unimplemented(
    message = "rows of `{Self}` are not stored in `{DB}`",
    label = "`{Self}` does not name this database",
    note = "add it to the struct: `database(postgres, sqlite)`, and enable the feature of the same name"
)]
pub trait StoredIn<DB: Database>: SyncedRow {
    /// Reads one row by Clerk user id (parameter 1). Columns: those of the struct in the order of its fields, the
    /// version (64-bit integer), and whether the row is a tombstone (boolean).
    const SELECT: &'static str;

    /// Reads the row as [`SELECT`](Self::SELECT) does, and locks it until the transaction ends. On SQLite this is
    /// `SELECT`: a transaction that writes blocks every other writer.
    const SELECT_FOR_UPDATE: &'static str = Self::SELECT;

    /// Reads rows by any number of Clerk user ids (parameter 1: `TEXT[]` on Postgres, a JSON array of texts on SQLite).
    /// Columns: those of [`SELECT`](Self::SELECT), then the Clerk user id.
    const SELECT_MANY: &'static str;

    /// Reads a membership with its user and its organization: Clerk user id (parameter 1), Clerk organization id (2),
    /// and the membership's key (3). Always returns one row, with the columns of the three [`SELECT`](Self::SELECT)s in
    /// this order. The columns of a missing row are null. `None` for users and organizations.
    const SELECT_JOINED: Option<&'static str> = None;

    /// Returns a row if both the user and the organization of a membership have one. Its key is parameter 1. `None` for
    /// users and organizations.
    const SELECT_REFERENCES: Option<&'static str> = None;

    /// The number of columns of [`SELECT`](Self::SELECT).
    #[doc(hidden)]
    const WIDTH: usize;

    /// Lists Clerk user ids of live rows in order. Parameters: the id after which to start (empty for the first page),
    /// and the most ids to return (64-bit integer).
    const SELECT_IDS: &'static str;

    /// Inserts the row, or updates it if the version is not older. The parameters are those of [`bind`](Self::bind).
    /// Always returns the row that won: the columns of [`SELECT`](Self::SELECT), then whether the row was inserted. On
    /// SQLite that boolean is always false, and the store determines insertion within the transaction. With
    /// [`TOMBSTONES`](Self::TOMBSTONES), writes and returns nothing for a user who has a tombstone.
    ///
    /// On PostgreSQL, if rows are cached ([`SyncedRow::FRESH_FOR`]), also notifies every process that listens. One
    /// more parameter (text) then names the sender, and one more column precedes the version.
    const UPSERT: &'static str;

    /// Inserts the row unless it exists, for a user who had no row a moment ago or probably has none. Cheaper than
    /// [`UPSERT`](Self::UPSERT). The parameters are those of [`bind`](Self::bind). Returns the columns of
    /// [`SELECT`](Self::SELECT) and `true`, or no row if a row or a tombstone exists by now. Sends no notification.
    const INSERT: &'static str;

    /// Reads the row, or inserts it, for a user who probably has none. Neither writes nor locks an existing row. The
    /// parameters are those of [`bind`](Self::bind). Returns the columns of [`SELECT`](Self::SELECT) and whether the
    /// row was inserted. Returns no row if another transaction has inserted the row meanwhile, or if the user has a
    /// tombstone. Sends no notification. `None` on SQLite, which does not support `INSERT` inside another statement;
    /// [`INSERT`](Self::INSERT) is used instead.
    const SELECT_OR_INSERT: Option<&'static str> = None;

    /// Like [`UPSERT`](Self::UPSERT) for many rows, which must be of different users. The parameters are those of
    /// [`bind`](Self::bind), once for each row. Returns the rows that won: the columns of [`SELECT`](Self::SELECT),
    /// whether the row was inserted, and the Clerk user id. Sends no notification. Skips a membership whose user or
    /// organization has no row.
    const UPSERT_MANY: UpsertMany;

    /// Records that the row's claims are current at a newer version: Clerk user id (parameter 1), version in
    /// milliseconds (parameter 2). Changes nothing else, and has no effect on a row of a newer version or a tombstone.
    /// An exception is an ended membership, whose version rises with each later end.
    const RAISE_VERSION: &'static str;

    /// Like [`RAISE_VERSION`](Self::RAISE_VERSION) for many rows: a JSON object of versions by Clerk user id (parameter
    /// 1, text).
    const RAISE_VERSION_MANY: &'static str;

    /// Marks the row of a user as deleted, or adds the user to the [`TOMBSTONES`](Self::TOMBSTONES): Clerk user id
    /// (parameter 1). Idempotent.
    const TOMBSTONE: &'static str;

    /// The table of deleted users whose rows were removed; `None` if their rows stay.
    const TOMBSTONES: Option<Tombstones> = None;

    /// The key by which existing rows are linked; `None` for a struct without `link`. With a key, a row is inserted
    /// only if no row has the key. [`UPSERT`](Self::UPSERT), [`INSERT`](Self::INSERT) and
    /// [`SELECT_OR_INSERT`](Self::SELECT_OR_INSERT) then take the key as one more parameter after those of
    /// [`bind`](Self::bind). They return no row if a row with the key has to be linked first.
    const LINK: Option<Link> = None;

    /// The list that [`statements`](Self::statements) reads.
    #[doc(hidden)]
    const LISTED: &'static str;

    /// Returns the statement that creates the table with its primary key and the unique index on the Clerk user id.
    ///
    /// If a field has a type of the application, its column has the SQL type that `sqlx::Type` returns. A custom SQL
    /// type, such as an enum, must exist before the table: create the type in the same migration.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")] {
    /// use clerk_auth::SyncedUser;
    /// use clerk_auth::row::StoredIn;
    ///
    /// #[derive(PartialEq, sqlx::Type)]
    /// #[sqlx(type_name = "plan", rename_all = "lowercase")]
    /// enum Plan {
    ///     Free,
    ///     Pro,
    /// }
    ///
    /// fn plan(claim: &serde_json::Value) -> Result<Plan, clerk_auth::claim::InvalidClaim> {
    ///     Ok(if claim == "pro" { Plan::Pro } else { Plan::Free })
    /// }
    ///
    /// #[derive(SyncedUser)]
    /// #[synced_user(
    ///     table = "users",
    ///     template_json = r#"{"plan": "{{user.public_metadata.plan || 'free'}}", "updatedAt": "{{user.updated_at}}"}"#,
    ///     database(postgres)
    /// )]
    /// struct User {
    ///     clerk_id: String,
    ///     #[claim(with = plan)]
    ///     plan: Plan,
    /// }
    ///
    /// let sql = <User as StoredIn<sqlx::Postgres>>::create_table();
    /// assert!(sql.contains(r#""plan" plan NOT NULL"#));
    /// # }
    /// ```
    fn create_table() -> String {
        create_table::<Self, DB>()
    }

    /// The struct's columns in the order of its fields, then the version and, if the row of a deleted user stays, the
    /// tombstone. For a field with a type of the application, the SQL type here is that of the claim;
    /// [`create_table`](Self::create_table) uses that of `sqlx::Type`.
    const COLUMNS: &'static [ColumnDefinition];

    /// The columns that claims feed, in the order of the struct's fields. Each has statements that resolve a unique
    /// violation on an index of the application.
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

    /// Adds the key of [`LINK`](Self::LINK) as a parameter.
    ///
    /// # Errors
    ///
    /// Returns the error of the column's encoder.
    #[doc(hidden)]
    fn bind_link(
        claims: &Self::Claims,
        arguments: &mut DB::Arguments,
    ) -> Result<BoundKey, sqlx::error::BoxDynError> {
        let _ = (claims, arguments);
        Ok(BoundKey::None)
    }

    /// Returns every statement that sync runs for the struct, each once. At start, sync has the database plan all of
    /// them. An application's test can `EXPLAIN` them.
    fn statements() -> Vec<Statement> {
        let mut statements = Statement::read_list(Self::LISTED);
        if let Some(sql) = Self::SELECT_JOINED {
            statements.push(Statement::new("SELECT_JOINED", sql, &[Parameter::Text; 3]));
        }
        if let Some(sql) = Self::SELECT_REFERENCES {
            statements.push(Statement::new("SELECT_REFERENCES", sql, &[Parameter::Text]));
        }
        statements
    }

    /// Adds a null of the type of a column that sync inserts, by its index among [`COLUMNS`](Self::COLUMNS).
    ///
    /// # Errors
    ///
    /// Returns the error of the column's encoder.
    fn add_null(column: usize, arguments: &mut DB::Arguments) -> Result<(), sqlx::error::BoxDynError>;

    /// Returns whether the field of a column, by its index among [`COLUMNS`](Self::COLUMNS), can be read from this
    /// type.
    fn can_read(column: usize, found: &DB::TypeInfo) -> bool;

    /// Returns sqlx's type of a column, by its index among [`COLUMNS`](Self::COLUMNS), if the SQL type is known only to
    /// sqlx.
    #[doc(hidden)]
    fn type_info(column: usize) -> Option<DB::TypeInfo> {
        let _ = column;
        None
    }

    /// Reads the struct from a row of [`SELECT`](Self::SELECT) or [`UPSERT`](Self::UPSERT), beginning at the column
    /// `first`.
    ///
    /// # Errors
    ///
    /// Returns the error of a column's decoder.
    fn from_row(row: &DB::Row, first: usize) -> Result<Self, sqlx::Error>;
}
