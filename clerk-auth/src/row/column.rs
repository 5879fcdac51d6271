//! The descriptions that the derive generates: columns, the key that links rows, and the table of deleted users.

use crate::claim::InvalidClaim;

/// A column as `CREATE TABLE` defines it.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::row::StoredIn;
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
#[non_exhaustive]
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

/// A column that a claim feeds, with the statements that find rows with the same value.
///
/// Sync runs these statements on a unique violation of the application's own index. Read them to check that an index
/// serves them:
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::row::StoredIn;
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
#[non_exhaustive]
pub struct ClaimColumn {
    /// The column's name.
    pub name: &'static str,
    /// The claim that feeds the column, by its name in the template.
    pub claim: &'static str,
    /// True if Clerk itself keeps the value unique within an instance. The claim is then exactly
    /// `{{user.primary_email_address}}`, `{{user.primary_phone_number}}`, `{{user.username}}` or
    /// `{{user.external_id}}`, without `with`, `default`, `insert_only` and `unique = "refuse"`. On a unique violation,
    /// the newest version wins. For any other column, the new user is refused.
    pub unique_in_clerk: bool,
    /// Finds the Clerk user ids of other rows with this value, ten at most: value (parameter 1), Clerk user id (parameter 2).
    pub holder: &'static str,
    /// Like [`holder`](Self::holder), for an index that ignores case.
    pub holder_ignoring_case: &'static str,
    /// Sets the column to null in an older row or a tombstone: Clerk user id (parameter 1), version in milliseconds
    /// (parameter 2). `None` for a column that is never null.
    pub give_way: Option<&'static str>,
}

/// The key that links existing rows of the application to Clerk's users, with its statements.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::SyncedUser;
/// use clerk_auth::row::StoredIn;
///
/// #[derive(SyncedUser)]
/// #[synced_user(
///     table = "users",
///     template_json = r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#,
///     link(id = "externalId"),
///     database(sqlite)
/// )]
/// struct User {
///     #[column(generated)]
///     id: i64,
///     clerk_id: String,
/// }
///
/// let link = <User as StoredIn<sqlx::Sqlite>>::LINK.expect("the struct links rows");
/// assert_eq!((link.column, link.claim), ("id", "externalId"));
/// assert!(link.update.contains(r#"WHERE "users"."id" = ?3 AND "users"."clerk_id" IS NULL"#));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// The column's name.
    pub column: &'static str,
    /// The claim with the key.
    pub claim: &'static str,
    /// Links the row with the key, and writes the claims. Does nothing if the row has a Clerk user id or a deletion
    /// mark, or the user has a row or a tombstone. Parameters and returned columns are those of
    /// [`StoredIn::INSERT`](super::StoredIn::INSERT). An `insert_only` column gets the claim only if the column is
    /// null.
    pub update: &'static str,
    /// Reads the row with a key (parameter 1): its Clerk user id, which may be null, and whether the row is a
    /// tombstone.
    pub holder: &'static str,
}

/// The key of a user that was added to a statement's parameters.
#[doc(hidden)]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BoundKey {
    /// Null: the user has no key.
    None,
    /// The key.
    Key,
    /// Null, because the column's type cannot hold the claim.
    Invalid(InvalidClaim),
}

/// The table of deleted users whose rows were removed, with its statements.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use clerk_auth::{SyncedRow, SyncedUser};
/// use clerk_auth::row::StoredIn;
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
#[non_exhaustive]
pub struct Tombstones {
    /// The table, with its schema if the struct names one: `clerk_tombstones`, `accounts.clerk_tombstones`.
    pub table: &'static str,
    /// Creates the table: the Clerk user id as its primary key, and the time of the deletion.
    pub create_table: &'static str,
    /// Returns whether a user has a tombstone (boolean): Clerk user id (parameter 1).
    pub select: &'static str,
    /// Returns those of any number of Clerk user ids that have a tombstone (parameter 1, like that of
    /// [`StoredIn::SELECT_MANY`](super::StoredIn::SELECT_MANY)).
    pub select_many: &'static str,
    /// Deletes a user's row: Clerk user id (parameter 1).
    pub delete: &'static str,
}

impl ColumnDefinition {
    /// Names a column of a type that [`Defined`](crate::__private::Defined) describes.
    #[doc(hidden)]
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Replaces the type by the one that the struct names.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_sql_type(self, sql_type: &'static str) -> Self {
        Self { sql_type, ..self }
    }

    /// Replaces the clauses of a column whose value sync finds in another table.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_reference(self, clauses: &'static [&'static str]) -> Self {
        Self {
            clauses,
            inserted: true,
            ..self
        }
    }

    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        sql_type: &'static str,
        clauses: &'static [&'static str],
        inserted: bool,
    ) -> Self {
        Self {
            name,
            sql_type,
            clauses,
            inserted,
        }
    }
}

impl ClaimColumn {
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        claim: &'static str,
        unique_in_clerk: bool,
        holder: &'static str,
        holder_ignoring_case: &'static str,
        give_way: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            claim,
            unique_in_clerk,
            holder,
            holder_ignoring_case,
            give_way,
        }
    }
}

impl Link {
    #[doc(hidden)]
    pub const fn new(
        column: &'static str,
        claim: &'static str,
        update: &'static str,
        holder: &'static str,
    ) -> Self {
        Self {
            column,
            claim,
            update,
            holder,
        }
    }
}

impl Tombstones {
    #[doc(hidden)]
    pub const fn new(
        table: &'static str,
        create_table: &'static str,
        select: &'static str,
        select_many: &'static str,
        delete: &'static str,
    ) -> Self {
        Self {
            table,
            create_table,
            select,
            select_many,
            delete,
        }
    }
}
