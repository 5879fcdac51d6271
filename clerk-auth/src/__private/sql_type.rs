//! The SQL type of a Rust type, for the generated DDL.

use std::marker::PhantomData;

/// The SQL type of a Rust type in `DB`.
pub trait SqlType<DB> {
    /// As `CREATE TABLE` spells it.
    const NAME: &'static str;
    /// Whether the column may be null.
    const NULLABLE: bool = false;
}

impl<DB, T: SqlType<DB>> SqlType<DB> for Option<T> {
    const NAME: &'static str = T::NAME;
    const NULLABLE: bool = true;
}

/// `SqlTypeOf::<T, DB>::NAME` is that of [`SqlType`] where `T` has one; generated code brings a fallback into scope.
pub struct SqlTypeOf<T, DB>(PhantomData<(T, DB)>);

impl<DB, T: SqlType<DB>> SqlTypeOf<T, DB> {
    /// See [`SqlType::NAME`].
    pub const NAME: &'static str = T::NAME;
    /// `""` or `" NOT NULL"`.
    pub const NOT_NULL: &'static str = if T::NULLABLE { "" } else { " NOT NULL" };
}

macro_rules! sql_types {
    ($feature:literal, $database:ty: $($name:literal = $($type:ty),+;)+) => {$($(
        #[cfg(feature = $feature)]
        impl SqlType<$database> for $type {
            const NAME: &'static str = $name;
        }
    )+)+};
}

sql_types! { "postgres", sqlx::Postgres:
    "TEXT" = String, Box<str>, std::sync::Arc<str>;
    "BOOLEAN" = bool;
    "SMALLINT" = i16;
    "INTEGER" = i32;
    "BIGINT" = i64;
    "REAL" = f32;
    "DOUBLE PRECISION" = f64;
    "JSONB" = serde_json::Value;
}

sql_types! { "sqlite", sqlx::Sqlite:
    "TEXT" = String, Box<str>, std::sync::Arc<str>, serde_json::Value;
    "BOOLEAN" = bool;
    "INTEGER" = i16, i32, i64;
    "REAL" = f32, f64;
}

#[cfg(feature = "postgres")]
impl<T> SqlType<sqlx::Postgres> for sqlx::types::Json<T> {
    const NAME: &'static str = "JSONB";
}

#[cfg(feature = "sqlite")]
impl<T> SqlType<sqlx::Sqlite> for sqlx::types::Json<T> {
    const NAME: &'static str = "TEXT";
}
