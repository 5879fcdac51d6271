//! The kinds of claim: the type-level names by which a template and a struct agree.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use super::problem::ClaimProblem;

/// A kind of claim, as the template declares it.
///
/// The set is closed: the kinds are those that Clerk's shortcodes can render.
///
/// ```
/// use clerk_auth::claim::{ClaimKind, ClaimProblem, Nullable, Text};
/// use serde_json::json;
///
/// assert_eq!(Text::read(&json!("Ada")), Ok("Ada"));
/// assert_eq!(Text::read(&json!(null)), Err(ClaimProblem::Null));
/// assert_eq!(Text::read(&json!("{{usr.first_name}}")), Err(ClaimProblem::Unrendered));
/// assert_eq!(Nullable::<Text>::read(&json!(null)), Ok(None));
/// ```
pub trait ClaimKind: sealed::Sealed + Sized + 'static {
    /// The value that a [`FromClaim`](super::FromClaim) impl receives for a claim of this kind.
    type Value<'a>;

    /// The kind in a message: `text`, `boolean`, …
    const NAME: &'static str;

    /// Checks that a JSON value is of this kind.
    ///
    /// # Errors
    ///
    /// [`ClaimProblem::Null`] for an unexpected null, [`ClaimProblem::OtherKind`] for a value of another kind,
    /// [`ClaimProblem::Unrendered`] for text with a shortcode that was not rendered.
    fn read(value: &Value) -> Result<Self::Value<'_>, ClaimProblem>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! kind {
    ($(#[$attribute:meta])* $kind:ident, $name:literal, $value:ty, |$json:ident| $read:expr) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        pub enum $kind {}

        impl sealed::Sealed for $kind {}

        impl ClaimKind for $kind {
            type Value<'a> = $value;
            const NAME: &'static str = $name;

            fn read($json: &Value) -> Result<Self::Value<'_>, ClaimProblem> {
                $read.ok_or_else(|| ClaimProblem::unexpected(Self::NAME, $json))
            }
        }
    };
}

kind! {
    /// `true` or `false`, such as `{{user.email_verified}}`.
    ///
    /// ```
    /// use clerk_auth::claim::{Boolean, FromClaim, InvalidClaim};
    ///
    /// enum Trust {
    ///     Low,
    ///     High,
    /// }
    ///
    /// impl FromClaim<Boolean> for Trust {
    ///     fn from_claim(email_verified: bool) -> Result<Self, InvalidClaim> {
    ///         Ok(if email_verified { Self::High } else { Self::Low })
    ///     }
    /// }
    /// # assert!(matches!((Trust::from_claim(true), Trust::from_claim(false)), (Ok(Trust::High), Ok(Trust::Low))));
    /// ```
    Boolean, "boolean", bool, |json| json.as_bool()
}

kind! {
    /// A whole number, such as `{{user.created_at}}`: Unix seconds.
    ///
    /// ```
    /// use clerk_auth::claim::{FromClaim, Integer, InvalidClaim};
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    ///
    /// struct SignedUp(SystemTime);
    ///
    /// impl FromClaim<Integer> for SignedUp {
    ///     fn from_claim(seconds: i64) -> Result<Self, InvalidClaim> {
    ///         let seconds = u64::try_from(seconds).map_err(|_| InvalidClaim::new("the time is before 1970"))?;
    ///         Ok(Self(UNIX_EPOCH + Duration::from_secs(seconds)))
    ///     }
    /// }
    /// # assert!(SignedUp::from_claim(0).unwrap().0 == UNIX_EPOCH && SignedUp::from_claim(-1).is_err());
    /// ```
    Integer, "integer", i64, |json| json.as_i64()
}

kind! {
    /// A number that may have a fraction; only static values of a template are of this kind.
    ///
    /// ```
    /// use clerk_auth::claim::{ClaimKind, Number};
    ///
    /// assert_eq!(Number::read(&serde_json::json!(0.5)), Ok(0.5));
    /// ```
    Number, "number", f64, |json| json.as_f64()
}

kind! {
    /// A JSON object, such as `{{user.public_metadata}}`.
    ///
    /// ```
    /// use clerk_auth::claim::{FromClaim, InvalidClaim, Object};
    /// use serde_json::{Map, Value};
    ///
    /// struct Theme(String);
    ///
    /// impl FromClaim<Object> for Theme {
    ///     fn from_claim(metadata: &Map<String, Value>) -> Result<Self, InvalidClaim> {
    ///         let theme = metadata.get("theme").and_then(Value::as_str);
    ///         Ok(Self(theme.unwrap_or("light").to_owned()))
    ///     }
    /// }
    /// # assert_eq!(Theme::from_claim(&Map::new()).unwrap().0, "light");
    /// ```
    Object, "object", &'a Map<String, Value>, |json| json.as_object()
}

kind! {
    /// Any JSON value but null, such as one inside `{{user.public_metadata}}`.
    ///
    /// ```
    /// use clerk_auth::claim::{FromClaim, InvalidClaim, Json};
    /// use serde_json::Value;
    ///
    /// struct Tags(usize);
    ///
    /// impl FromClaim<Json> for Tags {
    ///     fn from_claim(tags: &Value) -> Result<Self, InvalidClaim> {
    ///         let tags = tags.as_array().ok_or(InvalidClaim::new("the tags are no array"))?;
    ///         Ok(Self(tags.len()))
    ///     }
    /// }
    /// # assert!(Tags::from_claim(&serde_json::json!(["a", "b"])).is_ok_and(|tags| tags.0 == 2));
    /// ```
    Json, "any JSON", &'a Value, |json| (!json.is_null()).then_some(json)
}

/// Text, such as `{{user.first_name}}`.
///
/// ```
/// use clerk_auth::claim::{FromClaim, InvalidClaim, Text};
///
/// struct Language([u8; 2]);
///
/// impl FromClaim<Text> for Language {
///     fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
///         let code = text.as_bytes().try_into();
///         code.map(Self).map_err(|_| InvalidClaim::new("the text has not two letters"))
///     }
/// }
/// # assert!(Language::from_claim("fr").is_ok() && Language::from_claim("french").is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Text {}

impl sealed::Sealed for Text {}

impl ClaimKind for Text {
    type Value<'a> = &'a str;
    const NAME: &'static str = "text";

    fn read(value: &Value) -> Result<Self::Value<'_>, ClaimProblem> {
        let text = value
            .as_str()
            .ok_or_else(|| ClaimProblem::unexpected(Self::NAME, value))?;
        // Clerk leaves a shortcode with an unknown root in the token as literal text.
        if text.contains("{{") {
            return Err(ClaimProblem::Unrendered);
        }
        Ok(text)
    }
}

/// A claim of kind `K`, or null.
///
/// `Option<T>` holds the claim for every `T` that holds `K`. A type with a meaning for null implements the trait
/// itself:
///
/// ```
/// use clerk_auth::claim::{FromClaim, InvalidClaim, Nullable, Text};
///
/// struct DisplayName(String);
///
/// impl FromClaim<Nullable<Text>> for DisplayName {
///     fn from_claim(name: Option<&str>) -> Result<Self, InvalidClaim> {
///         Ok(Self(name.unwrap_or("anonymous").to_owned()))
///     }
/// }
/// # assert_eq!(DisplayName::from_claim(None).unwrap().0, "anonymous");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Nullable<K>(PhantomData<K>);

impl<K: ClaimKind> sealed::Sealed for Nullable<K> {}

impl<K: ClaimKind> ClaimKind for Nullable<K> {
    type Value<'a> = Option<K::Value<'a>>;
    const NAME: &'static str = K::NAME;

    fn read(value: &Value) -> Result<Self::Value<'_>, ClaimProblem> {
        match value {
            Value::Null => Ok(None),
            value => K::read(value).map(Some),
        }
    }
}
