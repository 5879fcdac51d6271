//! The SQL type of a Rust type, for the generated DDL.

use std::marker::PhantomData;

/// The SQL type of a Rust type in `DB`, and the clauses that follow it.
pub trait SqlType<DB> {
    /// As `CREATE TABLE` spells it.
    const NAME: &'static str;
    /// Whether the column may be null.
    const NOT_NULL: &'static str = " NOT NULL";
    /// What makes the column a primary key whose values the database generates, if it can.
    const PRIMARY_KEY: &'static str = " PRIMARY KEY";
    /// What makes the database generate a value at insertion.
    const GENERATED: &'static str = "";
    /// What the column of a new row holds until the application says otherwise.
    const DEFAULT: &'static str = "";
}

impl<DB, T: SqlType<DB>> SqlType<DB> for Option<T> {
    const NAME: &'static str = T::NAME;
    const NOT_NULL: &'static str = "";
    const GENERATED: &'static str = T::GENERATED;
}

/// `SqlTypeOf::<T, DB>::NAME` is that of [`SqlType`] where `T` has one; generated code brings a fallback into scope.
pub struct SqlTypeOf<T, DB>(PhantomData<(T, DB)>);

impl<DB, T: SqlType<DB>> SqlTypeOf<T, DB> {
    /// See [`SqlType::NAME`].
    pub const NAME: &'static str = T::NAME;
    /// See [`SqlType::NOT_NULL`].
    pub const NOT_NULL: &'static str = T::NOT_NULL;
    /// See [`SqlType::PRIMARY_KEY`].
    pub const PRIMARY_KEY: &'static str = T::PRIMARY_KEY;
    /// See [`SqlType::GENERATED`].
    pub const GENERATED: &'static str = T::GENERATED;
    /// See [`SqlType::DEFAULT`].
    pub const DEFAULT: &'static str = T::DEFAULT;
}

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
    "TEXT" { DEFAULT: " DEFAULT ''" } = String, Box<str>, std::sync::Arc<str>;
    "BOOLEAN" { DEFAULT: " DEFAULT FALSE" } = bool;
    "SMALLINT" { DEFAULT: " DEFAULT 0", PRIMARY_KEY: " GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } = i16;
    "INTEGER" { DEFAULT: " DEFAULT 0", PRIMARY_KEY: " GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } = i32;
    "BIGINT" { DEFAULT: " DEFAULT 0", PRIMARY_KEY: " GENERATED ALWAYS AS IDENTITY PRIMARY KEY" } = i64;
    "REAL" { DEFAULT: " DEFAULT 0" } = f32;
    "DOUBLE PRECISION" { DEFAULT: " DEFAULT 0" } = f64;
    "JSONB" { DEFAULT: " DEFAULT '{}'" } = serde_json::Value;
}

// `AUTOINCREMENT` keeps the id of a deleted row from being given to another person.
sql_types! { "sqlite", sqlx::Sqlite:
    "TEXT" { DEFAULT: " DEFAULT ''" } = String, Box<str>, std::sync::Arc<str>;
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

/// SQLite makes no UUIDs, so the application's migration has to say where a generated one comes from.
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
