//! The implementations of [`FromClaim`]: the Rust types and the kinds of claim that they can hold.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::kind::{Boolean, ClaimKind, Integer, Json, Nullable, Number, Object, Text};
use super::problem::InvalidClaim;
use crate::id::{OrganizationId, UserId};

/// A type that can hold a claim of kind `K`.
///
/// Implement it for a newtype to use the newtype as a field:
///
/// ```
/// use clerk_auth::claim::{FromClaim, InvalidClaim, Text};
///
/// struct Email(String);
///
/// impl FromClaim<Text> for Email {
///     fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
///         Ok(Self(text.to_lowercase()))
///     }
/// }
/// # assert_eq!(Email::from_claim("A@example.com").unwrap().0, "a@example.com");
/// ```
///
/// `Option<Email>` then holds nullable text without another line.
///
/// An enum of roles lists them in [`VALUES`](Self::VALUES):
///
/// ```
/// use clerk_auth::claim::{FromClaim, InvalidClaim, Text};
///
/// enum Role {
///     Admin,
///     Member,
/// }
///
/// impl FromClaim<Text> for Role {
///     const VALUES: Option<&'static [&'static str]> = Some(&["org:admin", "org:member"]);
///
///     fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
///         match text {
///             "org:admin" => Ok(Self::Admin),
///             "org:member" => Ok(Self::Member),
///             _ => Err(InvalidClaim::new("the role is unknown")),
///         }
///     }
/// }
/// ```
pub trait FromClaim<K: ClaimKind>: Sized {
    /// The only texts that the type can hold; `None`, the default, if they are not listed.
    ///
    /// If the type is the role of a [`SyncedMembership`](crate::SyncedMembership), a handler that takes the membership
    /// can only require a listed role. With another role, such as `#[authenticated(role = "org:owner")]`, the handler
    /// does not compile.
    const VALUES: Option<&'static [&'static str]> = None;

    /// Converts the claim's value, whose kind has been checked.
    ///
    /// # Errors
    ///
    /// [`InvalidClaim`] if the type holds only some values of the kind; the request is then refused and nothing is
    /// written.
    fn from_claim(value: K::Value<'_>) -> Result<Self, InvalidClaim>;
}

impl FromClaim<Boolean> for bool {
    fn from_claim(value: bool) -> Result<Self, InvalidClaim> {
        Ok(value)
    }
}

macro_rules! from_text {
    ($($type:ty),+) => {$(
        impl FromClaim<Text> for $type {
            fn from_claim(value: &str) -> Result<Self, InvalidClaim> {
                Ok(value.into())
            }
        }
    )+};
}

from_text!(String, Box<str>, Arc<str>);

macro_rules! from_id {
    ($($type:ty),+) => {$(
        impl FromClaim<Text> for $type {
            fn from_claim(value: &str) -> Result<Self, InvalidClaim> {
                Ok(Self::new(value))
            }
        }
    )+};
}

from_id!(OrganizationId, UserId);

macro_rules! from_integer {
    ($($type:ty),+) => {$(
        impl FromClaim<Integer> for $type {
            fn from_claim(value: i64) -> Result<Self, InvalidClaim> {
                Self::try_from(value)
                    .map_err(|_| InvalidClaim::new(concat!("the number does not fit in ", stringify!($type))))
            }
        }
    )+};
}

from_integer!(i8, i16, i32, i64, u8, u16, u32, u64);

/// A whole number that a `f64` holds exactly.
impl FromClaim<Integer> for f64 {
    fn from_claim(value: i64) -> Result<Self, InvalidClaim> {
        // 2^53: beyond it, neighbouring integers become the same `f64`.
        const EXACT: i64 = 1 << 53;
        if value.abs() > EXACT {
            return Err(InvalidClaim::new("the number does not fit in f64"));
        }
        #[expect(clippy::cast_precision_loss, reason = "the range has been checked")]
        Ok(value as Self)
    }
}

impl FromClaim<Number> for f64 {
    fn from_claim(value: f64) -> Result<Self, InvalidClaim> {
        Ok(value)
    }
}

#[cfg(feature = "uuid")]
impl FromClaim<Text> for uuid::Uuid {
    fn from_claim(value: &str) -> Result<Self, InvalidClaim> {
        value
            .parse()
            .map_err(|_| InvalidClaim::new("expected a UUID, found other text"))
    }
}

/// An absolute URL. sqlx cannot store a `Url`, so the column is `#[column(text)]`.
#[cfg(feature = "url")]
impl FromClaim<Text> for url::Url {
    fn from_claim(value: &str) -> Result<Self, InvalidClaim> {
        value
            .parse()
            .map_err(|_| InvalidClaim::new("expected an absolute URL, found other text"))
    }
}

/// Seconds since the epoch, such as `{{user.created_at}}`.
#[cfg(feature = "time")]
impl FromClaim<Integer> for time::OffsetDateTime {
    fn from_claim(value: i64) -> Result<Self, InvalidClaim> {
        Self::from_unix_timestamp(value)
            .map_err(|_| InvalidClaim::new("expected a Unix time in seconds, found a number out of range"))
    }
}

/// Seconds since the epoch, such as `{{user.created_at}}`.
#[cfg(feature = "chrono")]
impl FromClaim<Integer> for chrono::DateTime<chrono::Utc> {
    fn from_claim(value: i64) -> Result<Self, InvalidClaim> {
        Self::from_timestamp(value, 0)
            .ok_or_else(|| InvalidClaim::new("expected a Unix time in seconds, found a number out of range"))
    }
}

impl FromClaim<Object> for Map<String, Value> {
    fn from_claim(value: &Self) -> Result<Self, InvalidClaim> {
        Ok(value.clone())
    }
}

impl FromClaim<Object> for Value {
    fn from_claim(value: &Map<String, Self>) -> Result<Self, InvalidClaim> {
        Ok(Self::Object(value.clone()))
    }
}

impl FromClaim<Json> for Value {
    fn from_claim(value: &Self) -> Result<Self, InvalidClaim> {
        Ok(value.clone())
    }
}

impl<T: serde::de::DeserializeOwned> FromClaim<Object> for sqlx::types::Json<T> {
    fn from_claim(value: &Map<String, Value>) -> Result<Self, InvalidClaim> {
        from_json(value)
    }
}

impl<T: serde::de::DeserializeOwned> FromClaim<Json> for sqlx::types::Json<T> {
    fn from_claim(value: &Value) -> Result<Self, InvalidClaim> {
        from_json(value)
    }
}

fn from_json<'a, T, D>(value: D) -> Result<sqlx::types::Json<T>, InvalidClaim>
where
    T: serde::de::DeserializeOwned,
    D: serde::Deserializer<'a>,
{
    // serde's own message can quote the value, which is personal data.
    T::deserialize(value)
        .map(sqlx::types::Json)
        .map_err(|_| InvalidClaim::new("the JSON has another shape than the field's type"))
}

impl<K: ClaimKind, T: FromClaim<K>> FromClaim<Nullable<K>> for Option<T> {
    const VALUES: Option<&'static [&'static str]> = T::VALUES;

    fn from_claim(value: Option<K::Value<'_>>) -> Result<Self, InvalidClaim> {
        value.map(T::from_claim).transpose()
    }
}

macro_rules! option_holds {
    ($($kind:ident),+) => {$(
        impl<T: FromClaim<$kind>> FromClaim<$kind> for Option<T> {
            const VALUES: Option<&'static [&'static str]> = T::VALUES;

            fn from_claim(value: <$kind as ClaimKind>::Value<'_>) -> Result<Self, InvalidClaim> {
                T::from_claim(value).map(Some)
            }
        }
    )+};
}

option_holds!(Boolean, Integer, Json, Number, Object, Text);
