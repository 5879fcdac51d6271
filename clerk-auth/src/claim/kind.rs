//! The kinds of claim: the type-level names by which a template and a struct agree.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use super::ClaimProblem;

/// A kind of claim, as the template declares it.
///
/// The set is closed: the kinds are those that Clerk's shortcodes can render.
pub trait ClaimKind: sealed::Sealed + Sized + 'static {
    /// What a [`FromClaim`](super::FromClaim) impl receives for a claim of this kind.
    type Value<'a>;

    /// The kind in a message: `text`, `boolean`, …
    const NAME: &'static str;

    /// Checks that a JSON value is of this kind.
    ///
    /// # Errors
    ///
    /// [`ClaimProblem::Null`] for an unexpected null, [`ClaimProblem::OtherKind`] for a value of another kind,
    /// [`ClaimProblem::Unrendered`] for text in which a shortcode was left as it stood.
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
                $read.ok_or_else(|| ClaimProblem::unexpected::<Self>($json))
            }
        }
    };
}

kind! {
    /// `true` or `false`, such as `{{user.email_verified}}`.
    Boolean, "boolean", bool, |json| json.as_bool()
}

kind! {
    /// A whole number, such as `{{user.created_at}}`: Unix seconds.
    Integer, "integer", i64, |json| json.as_i64()
}

kind! {
    /// A number that may have a fraction; only static values of a template are of this kind.
    Number, "number", f64, |json| json.as_f64()
}

kind! {
    /// A JSON object, such as `{{user.public_metadata}}`.
    Object, "object", &'a Map<String, Value>, |json| json.as_object()
}

kind! {
    /// Any JSON value but null, such as one inside `{{user.public_metadata}}`.
    Json, "any JSON", &'a Value, |json| (!json.is_null()).then_some(json)
}

/// Text, such as `{{user.first_name}}`.
#[derive(Clone, Copy, Debug)]
pub enum Text {}

impl sealed::Sealed for Text {}

impl ClaimKind for Text {
    type Value<'a> = &'a str;
    const NAME: &'static str = "text";

    fn read(value: &Value) -> Result<Self::Value<'_>, ClaimProblem> {
        let text = value
            .as_str()
            .ok_or_else(|| ClaimProblem::unexpected::<Self>(value))?;
        // Clerk leaves a shortcode with an unknown root in the token as literal text.
        if text.contains("{{") {
            return Err(ClaimProblem::Unrendered);
        }
        Ok(text)
    }
}

/// A claim of kind `K`, or null.
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
