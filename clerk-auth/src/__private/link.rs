//! The key that links a row of the application to a Clerk user: read from a claim, bound as a parameter.

use serde_json::Value;
use sqlx::error::BoxDynError;

use crate::claim::{ClaimKind, ClaimReader, InvalidClaim, Json, Nullable, Text};
use crate::row::BoundKey;

/// A user's key, in the column's type.
///
/// If the type cannot hold the key, a user without a row is refused. A linked user no longer needs a key.
#[derive(Debug)]
pub enum LinkKey<T> {
    /// The user has no key.
    None,
    /// The key.
    Key(T),
    /// The claim is not a key.
    Invalid(InvalidClaim),
}

/// A kind of claim that can be a key.
pub trait KeyKind: ClaimKind {
    /// Returns the key as text; `None` for JSON that is neither text nor a whole number.
    fn key(value: Self::Value<'_>) -> Option<String>;
}

impl KeyKind for Text {
    fn key(value: &str) -> Option<String> {
        Some(value.to_owned())
    }
}

impl KeyKind for Json {
    fn key(value: &Value) -> Option<String> {
        match value {
            Value::String(text) if !text.contains("{{") => Some(text.clone()),
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Reads the key from the claim of this name.
///
/// The template `{{user.external_id || user.id}}` has the Clerk user id for users without a key. If the type of the
/// column cannot hold that id, such a user has no key.
pub fn read_key<K: KeyKind, T>(
    reader: &mut ClaimReader<'_>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, InvalidClaim>,
) -> Option<LinkKey<T>> {
    let subject = reader.source().subject();
    reader.claim::<Nullable<K>, LinkKey<T>>(name, |value| {
        let Some(value) = value else {
            return Ok(LinkKey::None);
        };
        let Some(text) = K::key(value) else {
            return Ok(LinkKey::Invalid(InvalidClaim::new(
                "the JSON is neither text nor a whole number",
            )));
        };
        Ok(match parse(&text) {
            _ if text.is_empty() => LinkKey::None,
            Ok(key) => LinkKey::Key(key),
            Err(_) if text == subject => LinkKey::None,
            Err(problem) => LinkKey::Invalid(problem),
        })
    })
}

/// Implements [`StoredIn::bind_link`](crate::row::StoredIn::bind_link) for a key beside the claims.
pub fn bind_key<T, A>(
    key: &LinkKey<T>,
    arguments: &mut A,
    add: fn(&T, &mut A) -> Result<(), BoxDynError>,
    add_null: fn(&mut A) -> Result<(), BoxDynError>,
) -> Result<BoundKey, BoxDynError> {
    match key {
        LinkKey::Key(key) => add(key, arguments).map(|()| BoundKey::Key),
        LinkKey::None => add_null(arguments).map(|()| BoundKey::None),
        LinkKey::Invalid(problem) => add_null(arguments).map(|()| BoundKey::Invalid(problem.clone())),
    }
}

/// Implements [`StoredIn::bind_link`](crate::row::StoredIn::bind_link) for a key that feeds a column.
pub fn bind_own_key<T, A>(
    key: &T,
    arguments: &mut A,
    add: fn(&T, &mut A) -> Result<(), BoxDynError>,
) -> Result<BoundKey, BoxDynError> {
    add(key, arguments).map(|()| BoundKey::Key)
}
