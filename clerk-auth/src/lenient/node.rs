//! A node of a lenient value: its JSON, and its unreadable parts.

use serde_json::Value;

use super::unreadable::Unreadable;

/// The value was received but could not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct UnreadableValue;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    unreadable: Option<&'a Unreadable>,
}

impl<'a> Node<'a> {
    pub(super) fn new(value: &'a Value, unreadable: Option<&'a Unreadable>) -> Self {
        Self { value, unreadable }
    }

    /// Wraps a value without unreadable parts.
    pub(crate) fn readable(value: &'a Value) -> Self {
        Self::new(value, None)
    }

    /// Returns a member; null if the member is missing, or the value is not an object.
    pub(crate) fn get(self, name: &str) -> Self {
        let unreadable = match self.unreadable {
            Some(Unreadable::Within(members)) => members.get(name),
            whole => whole,
        };
        Self {
            value: self.value.get(name).unwrap_or(&Value::Null),
            unreadable,
        }
    }

    /// Returns the value; parts of it may be unreadable.
    ///
    /// # Errors
    ///
    /// [`UnreadableValue`] if the value itself could not be read.
    pub(crate) fn shallow(self) -> Result<&'a Value, UnreadableValue> {
        match self.unreadable {
            Some(Unreadable::Whole) => Err(UnreadableValue),
            _ => Ok(self.value),
        }
    }

    /// Returns the complete value.
    ///
    /// # Errors
    ///
    /// [`UnreadableValue`] if the value, or any part of it, could not be read.
    pub(crate) fn whole(self) -> Result<&'a Value, UnreadableValue> {
        match self.unreadable {
            Some(_) => Err(UnreadableValue),
            None => Ok(self.value),
        }
    }

    /// Returns the elements; none if the value is not an array.
    ///
    /// # Errors
    ///
    /// [`UnreadableValue`] if the value itself could not be read.
    pub(crate) fn elements(self) -> Result<impl Iterator<Item = Node<'a>>, UnreadableValue> {
        let elements = self.shallow()?.as_array().map_or(&[][..], Vec::as_slice);
        Ok(elements.iter().enumerate().map(move |(index, value)| Node {
            value,
            unreadable: match self.unreadable {
                Some(Unreadable::Within(members)) => members.get(&*index.to_string()),
                _ => None,
            },
        }))
    }

    /// Returns an owned copy of the value.
    pub(crate) fn to_lenient(self) -> super::LenientValue {
        super::LenientValue {
            value: self.value.clone(),
            unreadable: self.unreadable.cloned(),
        }
    }
}
