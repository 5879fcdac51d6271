//! The SQL type of a Rust type, for the generated DDL.

use std::marker::PhantomData;

use super::shared::Reported;
use crate::claim::{Boolean, Integer, Json, Nullable, Number, Object, Text};
use crate::user::ColumnDefinition;

/// The SQL type of a Rust type in `DB`, and the clauses that follow it.
pub trait SqlType<DB> {
    /// As `CREATE TABLE` spells it.
    const NAME: &'static str;
    /// The clause that forbids null, unless the column may be null.
    const NOT_NULL: &'static str = " NOT NULL";
    /// The clause for a primary key whose values the database generates, if the type supports that.
    const PRIMARY_KEY: &'static str = " PRIMARY KEY";
    /// The clause that makes the database generate a value at insertion.
    const GENERATED: &'static str = "";
    /// The clause with the value in a new row until the application writes another.
    const DEFAULT: &'static str = "";
}

impl<DB, T: SqlType<DB>> SqlType<DB> for Option<T> {
    const NAME: &'static str = T::NAME;
    const NOT_NULL: &'static str = "";
    const GENERATED: &'static str = T::GENERATED;
}

/// The definitions of the kinds of columns of one type, without their names.
pub struct Definitions {
    /// The column `id`, which the database generates.
    pub id: ColumnDefinition,
    /// The Clerk user id.
    pub key: ColumnDefinition,
    /// A claim.
    pub claim: ColumnDefinition,
    /// Another column that the database generates.
    pub generated: ColumnDefinition,
    /// A column of the application.
    pub app: ColumnDefinition,
}

/// The definitions of a type that `DB` supports. They are constants of this crate, so that the compiler evaluates them
/// once per type and not once per column.
pub struct Defined<T, DB>(PhantomData<(T, DB)>);

impl<DB, T: SqlType<DB>> Defined<T, DB> {
    /// The definitions by the writer of the column. A column that sync does not write must allow sync to insert a row.
    pub const COLUMN: Definitions = Definitions {
        id: ColumnDefinition {
            clauses: &[T::PRIMARY_KEY],
            ..Self::NEITHER
        },
        key: ColumnDefinition {
            clauses: &[T::NOT_NULL, " UNIQUE"],
            inserted: true,
            ..Self::NEITHER
        },
        claim: ColumnDefinition {
            clauses: &[T::NOT_NULL],
            inserted: true,
            ..Self::NEITHER
        },
        generated: ColumnDefinition {
            clauses: &[T::NOT_NULL, T::GENERATED],
            ..Self::NEITHER
        },
        app: ColumnDefinition {
            clauses: &[T::NOT_NULL, T::DEFAULT],
            ..Self::NEITHER
        },
    };

    const NEITHER: ColumnDefinition = ColumnDefinition {
        name: "",
        sql_type: T::NAME,
        clauses: &[],
        inserted: false,
    };
}

/// The column of a type `T` in `DB`: from [`SqlType`] if `T` implements it, otherwise from [`KindClauses`] for the
/// claim's kind `K`.
pub struct Clauses<T, DB, K>(PhantomData<(T, DB, K)>);

impl<DB, T: SqlType<DB>, K> Clauses<T, DB, K> {
    /// See [`Defined::COLUMN`].
    pub const COLUMN: Definitions = Defined::<T, DB>::COLUMN;
}

/// The fallback of [`Clauses`], which generated code brings into scope.
pub trait KindClauses<DB, K: KindSqlType<DB>> {
    /// See [`Defined::COLUMN`].
    const COLUMN: Definitions = Defined::<Encoded<K>, DB>::COLUMN;
}

impl<T, DB, K: KindSqlType<DB>> KindClauses<DB, K> for Clauses<T, DB, K> {}

/// The SQL type in which a claim of a kind is stored.
pub trait KindSqlType<DB> {
    /// As `CREATE TABLE` spells it.
    const NAME: &'static str;
    /// The clause that forbids null, unless the column may be null.
    const NOT_NULL: &'static str = " NOT NULL";
}

impl<DB, K: KindSqlType<DB>> KindSqlType<DB> for Nullable<K> {
    const NAME: &'static str = K::NAME;
    const NOT_NULL: &'static str = "";
}

macro_rules! kind_sql_types {
    ($feature:literal, $database:ty: $($kind:ty = $name:literal),+) => {$(
        #[cfg(feature = $feature)]
        impl KindSqlType<$database> for $kind {
            const NAME: &'static str = $name;
        }
    )+};
}

kind_sql_types!("postgres", sqlx::Postgres: Boolean = "BOOLEAN", Integer = "BIGINT", Number = "DOUBLE PRECISION",
    Object = "JSONB", Json = "JSONB", Text = "TEXT");
kind_sql_types!("sqlite", sqlx::Sqlite: Boolean = "BOOLEAN", Integer = "BIGINT", Number = "REAL", Object = "TEXT",
    Json = "TEXT", Text = "TEXT");

/// A type of which only the claim's kind `K` is known: a type of the application, or one that sqlx cannot store
/// directly.
pub struct Encoded<K>(PhantomData<K>);

impl<DB, K: KindSqlType<DB>> SqlType<DB> for Encoded<K> {
    const NAME: &'static str = K::NAME;
    const NOT_NULL: &'static str = K::NOT_NULL;
}

/// JSON that is not null: an empty object until the application writes another value.
pub struct JsonObject;

impl<DB> SqlType<DB> for JsonObject
where
    Object: KindSqlType<DB>,
{
    const NAME: &'static str = Object::NAME;
    const DEFAULT: &'static str = " DEFAULT '{}'";
}

/// The column of a type `T` that is stored as JSON and that no claim feeds. For any type other than an `Option`,
/// generated code brings [`JsonNotNull`] into scope.
pub struct JsonClauses<T, DB>(PhantomData<(T, DB)>);

impl<T, DB> JsonClauses<Option<T>, DB>
where
    Object: KindSqlType<DB>,
{
    /// The column may be null.
    pub const COLUMN: Definitions = Defined::<Encoded<Nullable<Object>>, DB>::COLUMN;
}

/// The fallback of [`JsonClauses`].
pub trait JsonNotNull<DB>
where
    Object: KindSqlType<DB>,
{
    /// See [`Defined::COLUMN`].
    const COLUMN: Definitions = Defined::<JsonObject, DB>::COLUMN;
}

impl<T, DB> JsonNotNull<DB> for JsonClauses<T, DB> where Object: KindSqlType<DB> {}

macro_rules! sql_types {
    ($feature:literal, $database:ty: $($name:literal { $($clause:ident: $text:literal),* } = $($type:ty),+;)+) => {$(
        sql_types!(@each $feature, $database, $name, { $($clause: $text),* }, $($type),+);
    )+};
    (@each $feature:literal, $database:ty, $name:literal, $clauses:tt, $($type:ty),+) => {$(
        sql_types!(@one $feature, $database, $name, $clauses, $type);
    )+};
    (@one $feature:literal, $database:ty, $name:literal, { $($clause:ident: $text:literal),* }, $type:ty) => {
        #[cfg(feature = $feature)]
        impl SqlType<$database> for $type {
            const NAME: &'static str = $name;
            $(const $clause: &'static str = $text;)*
        }
    };
}

sql_types! { "postgres", sqlx::Postgres:
    "TEXT" {
        DEFAULT: " DEFAULT ''", GENERATED: " DEFAULT gen_random_uuid()",
        PRIMARY_KEY: " DEFAULT gen_random_uuid() PRIMARY KEY"
    } = String, Box<str>, std::sync::Arc<str>;
    "BOOLEAN" { DEFAULT: " DEFAULT FALSE" } = bool;
    "SMALLINT" { DEFAULT: " DEFAULT 0", PRIMARY_KEY: " GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } = i16;
    "INTEGER" { DEFAULT: " DEFAULT 0", PRIMARY_KEY: " GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } = i32;
    "BIGINT" { DEFAULT: " DEFAULT 0", PRIMARY_KEY: " GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } = i64;
    "REAL" { DEFAULT: " DEFAULT 0" } = f32;
    "DOUBLE PRECISION" { DEFAULT: " DEFAULT 0" } = f64;
    "JSONB" { DEFAULT: " DEFAULT '{}'" } = serde_json::Value;
}

// `AUTOINCREMENT` prevents the id of a deleted row from being reused for another user.
sql_types! { "sqlite", sqlx::Sqlite:
    "TEXT" {
        DEFAULT: " DEFAULT ''", GENERATED: " DEFAULT (lower(hex(randomblob(16))))",
        PRIMARY_KEY: " DEFAULT (lower(hex(randomblob(16)))) PRIMARY KEY"
    } = String, Box<str>, std::sync::Arc<str>;
    "TEXT" { DEFAULT: " DEFAULT '{}'" } = serde_json::Value;
    "BOOLEAN" { DEFAULT: " DEFAULT FALSE" } = bool;
    "INTEGER" { DEFAULT: " DEFAULT 0", PRIMARY_KEY: " PRIMARY KEY AUTOINCREMENT" } = i16, i32, i64;
    "REAL" { DEFAULT: " DEFAULT 0" } = f32, f64;
}

#[cfg(all(feature = "postgres", feature = "uuid"))]
impl SqlType<sqlx::Postgres> for uuid::Uuid {
    const NAME: &'static str = "UUID";
    const PRIMARY_KEY: &'static str = " DEFAULT gen_random_uuid() PRIMARY KEY";
    const GENERATED: &'static str = " DEFAULT gen_random_uuid()";
}

/// SQLite does not generate UUIDs, so the application's migration has to define the source of a generated one.
#[cfg(all(feature = "sqlite", feature = "uuid"))]
impl SqlType<sqlx::Sqlite> for uuid::Uuid {
    const NAME: &'static str = "BLOB";
}

macro_rules! timestamp {
    ($feature:literal, $type:ty) => {
        #[cfg(all(feature = "postgres", feature = $feature))]
        impl SqlType<sqlx::Postgres> for $type {
            const NAME: &'static str = "TIMESTAMPTZ";
            const GENERATED: &'static str = " DEFAULT CURRENT_TIMESTAMP";
            const DEFAULT: &'static str = " DEFAULT CURRENT_TIMESTAMP";
        }

        #[cfg(all(feature = "sqlite", feature = $feature))]
        impl SqlType<sqlx::Sqlite> for $type {
            const NAME: &'static str = "TEXT";
            const GENERATED: &'static str = " DEFAULT CURRENT_TIMESTAMP";
            const DEFAULT: &'static str = " DEFAULT CURRENT_TIMESTAMP";
        }
    };
}

timestamp!("time", time::OffsetDateTime);
timestamp!("chrono", chrono::DateTime<chrono::Utc>);

#[cfg(feature = "postgres")]
impl<T> SqlType<sqlx::Postgres> for sqlx::types::Json<T> {
    const NAME: &'static str = "JSONB";
}

#[cfg(feature = "sqlite")]
impl<T> SqlType<sqlx::Sqlite> for sqlx::types::Json<T> {
    const NAME: &'static str = "TEXT";
}

macro_rules! known_in {
    ($(#[$attribute:meta])* $name:ident: $($database:ty),+) => {
        $(#[$attribute])*
        #[diagnostic::on_unimplemented(
            message = "the SQL type of `{Self}` is not known",
            label = "`CREATE TABLE` needs its SQL type",
            note = "name it: `#[column(sql_type = \"…\")]`"
        )]
        pub trait $name {
            /// Does nothing; calling it is the assertion.
            fn check(_: PhantomData<Self>) {}
        }

        $(#[$attribute])*
        #[diagnostic::do_not_recommend]
        impl<T: Sized $(+ SqlType<$database>)+> $name for T {}

        $(#[$attribute])*
        #[diagnostic::do_not_recommend]
        impl $name for Reported {}
    };
}

known_in! {
    #[cfg(feature = "postgres")]
    PostgresSqlType: sqlx::Postgres
}

known_in! {
    #[cfg(feature = "sqlite")]
    SqliteSqlType: sqlx::Sqlite
}

known_in! {
    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    PostgresAndSqliteSqlType: sqlx::Postgres, sqlx::Sqlite
}
