//! Access of generated code to a field's type: checks that report errors, and access that stays silent if a check has
//! failed.
//!
//! Each requirement of a field is asserted in exactly one place, under the field's type. Every other use goes through
//! an inherent function that exists if the bound holds. Otherwise it falls back to a trait function, so that one wrong
//! type is one error.

use std::marker::PhantomData;
use std::str::FromStr;

use sqlx::error::BoxDynError;
use sqlx::{Arguments, ColumnIndex, Database, Decode, Encode, Row, Type};

use super::shared::{Reported, Shared};
use crate::claim::{ClaimKind, ClaimReader, FromClaim, InvalidClaim, Nullable, Text};

/// A type that can be read from a column of `DB`.
pub trait ReadColumn<DB: Database>: Type<DB> + for<'r> Decode<'r, DB> {}

#[diagnostic::do_not_recommend]
impl<DB: Database, T: Type<DB> + for<'r> Decode<'r, DB>> ReadColumn<DB> for T {}

/// A type that can be written to a column of `DB`.
pub trait WriteColumn<DB: Database>: Type<DB> + for<'q> Encode<'q, DB> {}

#[diagnostic::do_not_recommend]
impl<DB: Database, T: Type<DB> + for<'q> Encode<'q, DB>> WriteColumn<DB> for T {}

// Each set of databases has its own trait, because the message of a generic trait would print the databases' Rust
// paths.
macro_rules! assertion {
    ($(#[$attribute:meta])* $name:ident: $first:ident $(+ $bound:path)*; $message:literal, $label:literal, $note:literal) => {
        $(#[$attribute])*
        #[diagnostic::on_unimplemented(message = $message, label = $label, note = $note)]
        pub trait $name {
            /// Does nothing; a call compiles only if the type implements the trait.
            fn check(_: PhantomData<Self>) {}
        }

        $(#[$attribute])*
        #[diagnostic::do_not_recommend]
        impl<T: $first $(+ $bound)*> $name for T {}

        $(#[$attribute])*
        #[diagnostic::do_not_recommend]
        impl $name for Reported {}
    };
}

assertion! {
    /// A claim column of Postgres: read, compared and written.
    #[cfg(feature = "postgres")]
    PostgresClaimColumn: PartialEq + ReadColumn<sqlx::Postgres> + WriteColumn<sqlx::Postgres>;
    "`{Self}` cannot be a column of Postgres",
    "needs `sqlx::Type`, `Encode` and `Decode` for Postgres, and `PartialEq`",
    "for a newtype: `#[derive(PartialEq, sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
}

assertion! {
    /// A column of Postgres that sync only reads: `generated` or `app`.
    #[cfg(feature = "postgres")]
    PostgresOwnColumn: Sized + ReadColumn<sqlx::Postgres>;
    "`{Self}` cannot be read from a column of Postgres",
    "needs `sqlx::Type` and `Decode` for Postgres",
    "for a newtype: `#[derive(sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
}

assertion! {
    /// A claim column of SQLite: read, compared and written.
    #[cfg(feature = "sqlite")]
    SqliteClaimColumn: PartialEq + ReadColumn<sqlx::Sqlite> + WriteColumn<sqlx::Sqlite>;
    "`{Self}` cannot be a column of SQLite",
    "needs `sqlx::Type`, `Encode` and `Decode` for SQLite, and `PartialEq`",
    "for a newtype: `#[derive(PartialEq, sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
}

assertion! {
    /// A column of SQLite that sync only reads: `generated` or `app`.
    #[cfg(feature = "sqlite")]
    SqliteOwnColumn: Sized + ReadColumn<sqlx::Sqlite>;
    "`{Self}` cannot be read from a column of SQLite",
    "needs `sqlx::Type` and `Decode` for SQLite",
    "for a newtype: `#[derive(sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
}

assertion! {
    /// A claim column of Postgres and SQLite: read, compared and written.
    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    PostgresAndSqliteClaimColumn: PartialEq + ReadColumn<sqlx::Postgres> + WriteColumn<sqlx::Postgres> + ReadColumn<sqlx::Sqlite> + WriteColumn<sqlx::Sqlite>;
    "`{Self}` cannot be a column of Postgres and SQLite",
    "needs `sqlx::Type`, `Encode` and `Decode` for Postgres and SQLite, and `PartialEq`",
    "for a newtype: `#[derive(PartialEq, sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
}

assertion! {
    /// A column of Postgres and SQLite that sync only reads: `generated` or `app`.
    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    PostgresAndSqliteOwnColumn: Sized + ReadColumn<sqlx::Postgres> + ReadColumn<sqlx::Sqlite>;
    "`{Self}` cannot be read from a column of Postgres and SQLite",
    "needs `sqlx::Type` and `Decode` for Postgres and SQLite",
    "for a newtype: `#[derive(sqlx::Type)] #[sqlx(transparent)]`; for any serde type: `sqlx::types::Json<_>`"
}

/// A type that holds a claim of kind `K`: the check of a field spelled `String`. Other fields have their own traits,
/// which name the claim.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold the field's claim",
    label = "another type of the same name",
    note = "write the whole path, such as `std::string::String`; `serde_json::Value` is that of serde_json 1"
)]
pub trait HoldsClaim<K> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<K: ClaimKind, T: FromClaim<K>> HoldsClaim<K> for T {}

/// A type that is parsed from text: `#[claim(parse)]`.
pub trait ParseClaim<K: ClaimKind>: Sized {
    /// Takes the claim's value through `FromStr`.
    fn parse_claim(value: K::Value<'_>) -> Result<Self, InvalidClaim>;
}

#[diagnostic::do_not_recommend]
impl<T: FromStr> ParseClaim<Text> for T {
    fn parse_claim(value: &str) -> Result<Self, InvalidClaim> {
        // The error of a foreign `FromStr` can quote the text, which is personal data.
        value
            .parse()
            .map_err(|_| InvalidClaim::new("the text cannot be parsed into the field's type"))
    }
}

#[diagnostic::do_not_recommend]
impl<T: FromStr> ParseClaim<Nullable<Text>> for Option<T> {
    fn parse_claim(value: Option<&str>) -> Result<Self, InvalidClaim> {
        value.map(T::parse_claim).transpose()
    }
}

/// A field of type `T` whose claim may be null.
pub struct DefaultField<T>(PhantomData<T>);

impl<T: Default> DefaultField<T> {
    /// Returns the type's default.
    pub fn value() -> Result<T, InvalidClaim> {
        Ok(T::default())
    }
}

/// The fallback of [`DefaultField`] for a type without a default, which has been reported.
pub trait NoDefault<T> {
    /// Never runs: the crate does not compile.
    fn value() -> Result<T, InvalidClaim> {
        Err(InvalidClaim::new("the field's type has no default"))
    }
}

impl<T> NoDefault<T> for DefaultField<T> {}

/// A field of type `T` that holds a claim of kind `K`.
pub struct ClaimField<T, K>(PhantomData<(T, K)>);

impl<K: ClaimKind, T: FromClaim<K>> ClaimField<T, K> {
    /// Calls [`FromClaim::from_claim`].
    pub fn hold(value: K::Value<'_>) -> Result<T, InvalidClaim> {
        T::from_claim(value)
    }

    /// Reads the claim of this name.
    pub fn read(reader: &mut ClaimReader<'_>, name: &'static str) -> Option<T> {
        reader.claim::<K, T>(name, Self::hold)
    }

    /// Returns the type whose column is to be checked: the field's own.
    pub fn column() -> PhantomData<T> {
        PhantomData
    }
}

/// A field of type `T` into which a claim of kind `K` is parsed.
pub struct ParsedField<T, K>(PhantomData<(T, K)>);

impl<K: ClaimKind, T: ParseClaim<K>> ParsedField<T, K> {
    /// Calls [`ParseClaim::parse_claim`].
    pub fn hold(value: K::Value<'_>) -> Result<T, InvalidClaim> {
        T::parse_claim(value)
    }

    /// Reads the claim of this name.
    pub fn read(reader: &mut ClaimReader<'_>, name: &'static str) -> Option<T> {
        reader.claim::<K, T>(name, Self::hold)
    }

    /// Returns the type whose column is to be checked: the field's own.
    pub fn column() -> PhantomData<T> {
        PhantomData
    }
}

/// The fallback for a field whose type cannot hold the claim, which has been reported.
pub trait UnheldClaim<T, K: ClaimKind> {
    /// Never runs: the crate does not compile.
    fn hold(_: K::Value<'_>) -> Result<T, InvalidClaim> {
        Err(InvalidClaim::new("the field's type cannot hold the claim"))
    }

    /// Never runs: the crate does not compile.
    fn read(_: &mut ClaimReader<'_>, _: &'static str) -> Option<T> {
        None
    }

    /// Nothing more is reported about the field.
    fn column() -> PhantomData<Reported> {
        PhantomData
    }
}

impl<T, K: ClaimKind> UnheldClaim<T, K> for ClaimField<T, K> {}
impl<T, K: ClaimKind> UnheldClaim<T, K> for ParsedField<T, K> {}

/// Sets a field to null; returns false if its type rejects null.
pub fn set_null<T>(field: &mut T, null: Result<T, InvalidClaim>) -> bool {
    null.map(|null| *field = null).is_ok()
}

/// A column of type `T` in `DB`.
pub struct ColumnField<T, DB>(PhantomData<(T, DB)>);

impl<DB: Database, T: ReadColumn<DB>> ColumnField<T, DB>
where
    usize: ColumnIndex<DB::Row>,
{
    /// Reads the column at `index`, or stores the failure.
    pub fn get(row: &DB::Row, index: usize, failure: &mut Option<sqlx::Error>) -> Option<T> {
        read(row.try_get(index), failure)
    }

    /// Returns whether the column may be of this type.
    pub fn can_read(found: &DB::TypeInfo) -> bool {
        T::compatible(found)
    }

    /// Returns sqlx's type of the column.
    pub fn type_info() -> Option<DB::TypeInfo> {
        Some(T::type_info())
    }
}

impl<DB: Database, T: WriteColumn<DB>> ColumnField<T, DB> {
    /// Adds the value to a statement's parameters.
    pub fn add(value: &T, arguments: &mut DB::Arguments) -> Result<(), BoxDynError> {
        arguments.add(value)
    }
}

impl<DB: Database, T> ColumnField<T, DB>
where
    Option<T>: WriteColumn<DB>,
{
    /// Adds a null of the type to a statement's parameters.
    pub fn add_null(arguments: &mut DB::Arguments) -> Result<(), BoxDynError> {
        arguments.add(None::<T>)
    }
}

impl<DB, T: PartialEq> ColumnField<T, DB> {
    /// Returns whether the column holds the claim.
    pub fn equal(column: &T, claim: &T) -> bool {
        column == claim
    }
}

/// A column of type `T` that sync only reads, in several databases.
pub struct ColumnFields<T, Databases>(PhantomData<(T, Databases)>);

impl<A: Database, T: Shared + ReadColumn<A>> ColumnFields<T, (A,)> {
    /// Returns the type whose SQL type is needed: the field's own.
    pub fn column() -> PhantomData<T> {
        PhantomData
    }
}

impl<A: Database, B: Database, T: Shared + ReadColumn<A> + ReadColumn<B>> ColumnFields<T, (A, B)> {
    /// Returns the type whose SQL type is needed: the field's own.
    pub fn column() -> PhantomData<T> {
        PhantomData
    }
}

/// The fallback of [`ColumnFields`] for a type that cannot be a column, which has been reported.
pub trait UnstoredColumns {
    /// Nothing more is reported about the field.
    fn column() -> PhantomData<Reported> {
        PhantomData
    }
}

impl<T, Databases> UnstoredColumns for ColumnFields<T, Databases> {}

/// The fallback of [`ColumnField`] for a type that cannot be a column, which has been reported.
pub trait UnstoredColumn<T, DB> {
    /// Never runs: the crate does not compile.
    fn get<R>(_: &R, _: usize, _: &mut Option<sqlx::Error>) -> Option<T> {
        None
    }

    /// Never runs: the crate does not compile.
    fn can_read<I>(_: &I) -> bool {
        false
    }

    /// Never runs: the crate does not compile.
    fn type_info<I>() -> Option<I> {
        None
    }

    /// Never runs: the crate does not compile.
    fn add<A>(_: &T, _: &mut A) -> Result<(), BoxDynError> {
        Err("the field's type cannot be a column".into())
    }

    /// Never runs: the crate does not compile.
    fn add_null<A>(_: &mut A) -> Result<(), BoxDynError> {
        Err("the field's type cannot be a column".into())
    }

    /// Never runs: the crate does not compile.
    fn equal(_: &T, _: &T) -> bool {
        false
    }
}

impl<T, DB> UnstoredColumn<T, DB> for ColumnField<T, DB> {}

/// Returns the value, or stores the first failure. Generated code reads all columns and then checks for a failure: an
/// early return per column doubles the compile time.
pub(super) fn read<T>(result: Result<T, sqlx::Error>, failure: &mut Option<sqlx::Error>) -> Option<T> {
    result.map_err(|error| failure.get_or_insert(error)).ok()
}

/// Returns the reason why a row could not be read.
pub fn unread<T>(failure: Option<sqlx::Error>) -> Result<T, sqlx::Error> {
    Err(failure.unwrap_or(sqlx::Error::RowNotFound))
}
