//! Columns whose type the database does not support: stored as JSON through serde, or as text through `Display` and
//! `FromStr`. The functions match those of [`ColumnField`](super::ColumnField), with the same kind of fallback.

use std::error::Error;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::error::BoxDynError;
use sqlx::types::Json;
use sqlx::{Arguments, ColumnIndex, Database, Row, Type};

use super::column::{ReadColumn, UnheldClaim, UnstoredColumn, WriteColumn, read};
use super::shared::Reported;
use crate::claim::{self, ClaimKind, ClaimReader, InvalidClaim, Nullable, Object, Text};

/// A type that a JSON claim of kind `K` is deserialized into: `#[column(json)]`.
pub trait JsonClaim<K: ClaimKind>: Sized {
    /// Takes the claim's value through serde.
    fn deserialize_claim(value: K::Value<'_>) -> Result<Self, InvalidClaim>;
}

macro_rules! json_claim {
    ($($kind:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: DeserializeOwned> JsonClaim<$kind> for T {
            fn deserialize_claim(value: <$kind as ClaimKind>::Value<'_>) -> Result<Self, InvalidClaim> {
                // serde's own message can quote the value, which is personal data.
                T::deserialize(value)
                    .map_err(|_| InvalidClaim::new("the JSON has another shape than the field's type"))
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: DeserializeOwned> JsonClaim<Nullable<$kind>> for Option<T> {
            fn deserialize_claim(
                value: Option<<$kind as ClaimKind>::Value<'_>>,
            ) -> Result<Self, InvalidClaim> {
                value.map(<T as JsonClaim<$kind>>::deserialize_claim).transpose()
            }
        }
    )+};
}

json_claim!(Object, claim::Json);

/// A field of type `T` into which a JSON claim of kind `K` is deserialized.
pub struct JsonField<T, K>(PhantomData<(T, K)>);

impl<K: ClaimKind, T: JsonClaim<K>> JsonField<T, K> {
    /// Calls [`JsonClaim::deserialize_claim`].
    pub fn hold(value: K::Value<'_>) -> Result<T, InvalidClaim> {
        T::deserialize_claim(value)
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

impl<T, K: ClaimKind> UnheldClaim<T, K> for JsonField<T, K> {}

/// A claim column that is stored as JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored as JSON",
    label = "needs `serde::Serialize`, `serde::Deserialize`, and `PartialEq`",
    note = "`#[derive(PartialEq, serde::Serialize, serde::Deserialize)]`"
)]
pub trait JsonClaimColumn {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + PartialEq> JsonClaimColumn for T {}

#[diagnostic::do_not_recommend]
impl JsonClaimColumn for Reported {}

/// A column that is stored as JSON and that sync only reads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from JSON",
    label = "needs `serde::Deserialize`",
    note = "`#[derive(serde::Deserialize)]`"
)]
pub trait JsonOwnColumn {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> JsonOwnColumn for T {}

#[diagnostic::do_not_recommend]
impl JsonOwnColumn for Reported {}

/// A column of type `T` in `DB`, stored as JSON. A value that serializes to JSON's null is stored as SQL's null, and
/// read back the same way. So `Option` has the same meaning in both.
pub struct JsonColumn<T, DB>(PhantomData<(T, DB)>);

impl<DB: Database, T: DeserializeOwned> JsonColumn<T, DB>
where
    Option<Json<Value>>: ReadColumn<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// Reads the column at `index`, or stores the failure.
    pub fn get(row: &DB::Row, index: usize, failure: &mut Option<sqlx::Error>) -> Option<T> {
        let stored: Option<Json<Value>> = read(row.try_get(index), failure)?;
        let value = stored.map_or(Value::Null, |Json(value)| value);
        read(
            T::deserialize(value).map_err(|error| undecodable(index, error)),
            failure,
        )
    }

    /// Returns whether the column may be of this type.
    pub fn can_read(found: &DB::TypeInfo) -> bool {
        Option::<Json<Value>>::compatible(found)
    }
}

impl<DB: Database, T: Serialize> JsonColumn<T, DB>
where
    Option<Json<Value>>: WriteColumn<DB>,
{
    /// Adds the value to a statement's parameters.
    pub fn add(value: &T, arguments: &mut DB::Arguments) -> Result<(), BoxDynError> {
        let value = serde_json::to_value(value)?;
        arguments.add((!value.is_null()).then_some(Json(value)))
    }

    /// Adds a null of the column's type to a statement's parameters.
    pub fn add_null(arguments: &mut DB::Arguments) -> Result<(), BoxDynError> {
        arguments.add(None::<Json<Value>>)
    }
}

impl<DB, T: PartialEq> JsonColumn<T, DB> {
    /// Returns whether the column holds the claim.
    pub fn equal(column: &T, claim: &T) -> bool {
        column == claim
    }
}

impl<T, DB> UnstoredColumn<T, DB> for JsonColumn<T, DB> {}

/// A type that is stored in a text column of kind `K`: `#[column(text)]`.
pub trait TextValue<K>: Sized {
    /// Returns the text; `None` for null.
    fn to_text(&self) -> Option<String>;

    /// Parses a text, or null.
    fn from_text(text: Option<String>) -> Result<Self, BoxDynError>;
}

#[diagnostic::do_not_recommend]
impl<T> TextValue<Text> for T
where
    T: Display + FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn from_text(text: Option<String>) -> Result<Self, BoxDynError> {
        let text = text.ok_or_else(|| Box::new(sqlx::error::UnexpectedNullError))?;
        Ok(text.parse()?)
    }
}

#[diagnostic::do_not_recommend]
impl<T: TextValue<Text>> TextValue<Nullable<Text>> for Option<T> {
    fn to_text(&self) -> Option<String> {
        self.as_ref().and_then(TextValue::to_text)
    }

    fn from_text(text: Option<String>) -> Result<Self, BoxDynError> {
        text.map(|text| T::from_text(Some(text))).transpose()
    }
}

/// A claim column that is stored as text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored as text",
    label = "needs `Display`, `FromStr`, and `PartialEq`",
    note = "implement them, or store it as JSON with `#[column(json)]`"
)]
pub trait TextClaimColumn<K> {
    /// Does nothing; a call compiles only if the type implements the trait.
    fn check(_: PhantomData<Self>) {}
}

#[diagnostic::do_not_recommend]
impl<K, T: TextValue<K> + PartialEq> TextClaimColumn<K> for T {}

#[diagnostic::do_not_recommend]
impl<K> TextClaimColumn<K> for Reported {}

/// A column of type `T` in `DB` that stores a claim of kind `K` as text.
pub struct TextColumn<T, K, DB>(PhantomData<(T, K, DB)>);

impl<DB: Database, K, T: TextValue<K>> TextColumn<T, K, DB>
where
    Option<String>: ReadColumn<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// Reads the column at `index`, or stores the failure.
    pub fn get(row: &DB::Row, index: usize, failure: &mut Option<sqlx::Error>) -> Option<T> {
        let stored = read(row.try_get(index), failure)?;
        read(
            T::from_text(stored).map_err(|error| undecodable(index, error)),
            failure,
        )
    }

    /// Returns whether the column may be of this type.
    pub fn can_read(found: &DB::TypeInfo) -> bool {
        Option::<String>::compatible(found)
    }
}

impl<DB: Database, K, T: TextValue<K>> TextColumn<T, K, DB>
where
    Option<String>: WriteColumn<DB>,
{
    /// Adds the value to a statement's parameters.
    pub fn add(value: &T, arguments: &mut DB::Arguments) -> Result<(), BoxDynError> {
        arguments.add(value.to_text())
    }

    /// Adds a null of the column's type to a statement's parameters.
    pub fn add_null(arguments: &mut DB::Arguments) -> Result<(), BoxDynError> {
        arguments.add(None::<String>)
    }
}

impl<DB, K, T: PartialEq> TextColumn<T, K, DB> {
    /// Returns whether the column holds the claim.
    pub fn equal(column: &T, claim: &T) -> bool {
        column == claim
    }
}

impl<T, K, DB> UnstoredColumn<T, DB> for TextColumn<T, K, DB> {}

fn undecodable(index: usize, source: impl Into<BoxDynError>) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: index.to_string(),
        source: source.into(),
    }
}
