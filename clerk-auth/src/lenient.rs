//! JSON in which an unreadable member does not hide the members beside it.
//!
//! A browser writes `unsafe_metadata`, and users write their own names. JSON parsers reject a whole text for one lone
//! surrogate, one number beyond `f64`, or one level too many. serde_json also rejects one member with a private name.
//! With such a parser, a user could block every event about them, and an import would lose the other users of the page.
//!
//! The parser of this module is therefore strict about structure and lenient about values. Brackets, quotes, colons and
//! commas have to match. An unreadable value becomes null, and its path is [recorded](LenientValue::unreadable):
//!
//! - text with a lone surrogate, an unknown escape, a raw control character or invalid UTF-8;
//! - a number beyond `f64`, and any other word that is not a JSON value;
//! - an array or an object below [`MAX_DEPTH`] levels;
//! - a member whose name occurs with different values: no occurrence wins;
//! - a member whose name is private to serde_json (`$serde_json::private::…`). The object around such a member lacks
//!   the member, because serde_json could write that object but never read it back.
//!
//! serde_json has no lenient setting, so the module has a parser of its own. `RawValue` validates the text that it
//! skips, and fails on the same inputs. The parser recurses at most [`MAX_DEPTH`] levels.

mod node;
mod reader;
mod unreadable;

use std::fmt;
use std::ops::Deref;

use serde_json::Value;

pub(crate) use node::{Node, UnreadableValue};
pub use reader::MAX_DEPTH;
pub(crate) use reader::has_private_name;
use unreadable::Unreadable;

/// A JSON value as received, with null for each part that could not be read.
///
/// Dereferences to [`Value`], so that members are read as usual. [`unreadable`](Self::unreadable) distinguishes a null
/// that Clerk sent from a null for an unreadable part.
///
/// ```
/// use clerk_auth::lenient::LenientValue;
///
/// let user = LenientValue::from_slice(br#"{"id": "user_ada", "unsafe_metadata": {"size": 1e999, "theme": "dark"}}"#)?;
/// assert_eq!(user["id"], "user_ada");
/// assert_eq!(user["unsafe_metadata"]["theme"], "dark");
/// assert!(user["unsafe_metadata"]["size"].is_null());
/// assert_eq!(user.unreadable(), ["/unsafe_metadata/size"]);
/// # Ok::<(), clerk_auth::lenient::InvalidStructure>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LenientValue {
    value: Value,
    unreadable: Option<Unreadable>,
}

/// The text is not one JSON value: brackets, quotes, colons or commas do not match.
///
/// ```
/// use clerk_auth::lenient::{InvalidStructure, LenientValue};
///
/// assert_eq!(LenientValue::from_slice(br#"{"id": "user_ada""#), Err(InvalidStructure));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the text is not one JSON value with matching brackets and quotes")]
pub struct InvalidStructure;

impl LenientValue {
    /// Parses a text.
    ///
    /// # Errors
    ///
    /// [`InvalidStructure`] if the text is not a single JSON value.
    pub fn from_slice(text: &[u8]) -> Result<Self, InvalidStructure> {
        let (value, unreadable) = reader::read(text).ok_or(InvalidStructure)?;
        Ok(Self { value, unreadable })
    }

    /// Returns the paths of the unreadable parts, as JSON Pointers (RFC 6901) in the order of names. Empty if
    /// everything was read.
    ///
    /// The paths contain names that users write, so do not log them.
    pub fn unreadable(&self) -> Vec<String> {
        let mut paths = Vec::new();
        if let Some(unreadable) = &self.unreadable {
            unreadable.collect_paths(&mut String::new(), &mut paths);
        }
        paths
    }

    /// Returns the value without the record of its unreadable parts.
    pub fn into_value(self) -> Value {
        self.value
    }

    pub(crate) fn node(&self) -> Node<'_> {
        Node::new(&self.value, self.unreadable.as_ref())
    }

    /// Takes a member out of an object. Returns a readable null for a missing member.
    pub(crate) fn take(&mut self, name: &str) -> Self {
        let unreadable = match &mut self.unreadable {
            None => None,
            Some(Unreadable::Whole) => Some(Unreadable::Whole),
            Some(Unreadable::Within(members)) => members.remove(name),
        };
        Self {
            value: self.value.get_mut(name).map(Value::take).unwrap_or_default(),
            unreadable,
        }
    }

    /// Returns the elements of an array; `None` if the value is not an array.
    #[cfg_attr(
        not(feature = "backend-api"),
        expect(dead_code, reason = "only the Backend API has lists")
    )]
    pub(crate) fn into_elements(self) -> Option<Vec<Self>> {
        let Value::Array(values) = self.value else {
            return None;
        };
        let mut within = match self.unreadable {
            Some(Unreadable::Within(within)) => within,
            _ => unreadable::Members::new(),
        };
        let element = |(index, value): (usize, Value)| Self {
            value,
            unreadable: match within.is_empty() {
                true => None,
                false => within.remove(&*index.to_string()),
            },
        };
        Some(values.into_iter().enumerate().map(element).collect())
    }
}

impl Deref for LenientValue {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl fmt::Display for LenientValue {
    /// Writes compact JSON, with null for unreadable parts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value, formatter)
    }
}

impl serde::Serialize for LenientValue {
    /// Writes null for unreadable parts.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl From<Value> for LenientValue {
    /// A value without unreadable parts.
    fn from(value: Value) -> Self {
        Self {
            value,
            unreadable: None,
        }
    }
}

impl PartialEq<Value> for LenientValue {
    fn eq(&self, other: &Value) -> bool {
        self.value == *other
    }
}

#[cfg(test)]
mod tests;
