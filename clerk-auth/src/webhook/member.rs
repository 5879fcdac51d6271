//! Reading members of an event by name: a missing one and one of another kind are told apart, and named.

use serde_json::{Map, Value};

use super::event::EventError;
use crate::time::Timestamp;

/// An object of an event, and where it stands in it.
#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    object: &'a Map<String, Value>,
    path: &'static str,
}

impl<'a> Members<'a> {
    pub(super) fn of(value: &'a Value, path: &'static str) -> Result<Self, EventError> {
        match value {
            Value::Object(object) => Ok(Self { object, path }),
            Value::Null => Err(EventError::MemberMissing(path.into())),
            _ => Err(EventError::MemberMalformed(path.into())),
        }
    }

    /// The member as it is; null, like a member that is not there, is none.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, EventError> {
        let read = self.get(name).map(|value| read(value).ok_or(()));
        read.transpose().map_err(|()| self.malformed(name))
    }

    fn required<T>(&self, name: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<T, EventError> {
        self.optional(name, read)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<Box<str>>, EventError> {
        self.optional(name, |value| value.as_str().map(Into::into))
    }

    pub(super) fn required_text(&self, name: &str) -> Result<Box<str>, EventError> {
        self.required(name, |value| value.as_str().map(Into::into))
    }

    /// An identifier: text that is not empty.
    pub(super) fn id<I>(&self, name: &str, new: impl FnOnce(Box<str>) -> I) -> Result<Option<I>, EventError> {
        self.optional(name, |value| {
            let id = value.as_str().filter(|id| !id.is_empty())?;
            Some(new(id.into()))
        })
    }

    pub(super) fn required_id<I>(
        &self,
        name: &str,
        new: impl FnOnce(Box<str>) -> I,
    ) -> Result<I, EventError> {
        self.id(name, new)?.ok_or_else(|| self.missing(name))
    }

    /// A flag; one that is not there is not raised.
    pub(super) fn flag(&self, name: &str) -> Result<bool, EventError> {
        Ok(self.optional(name, Value::as_bool)?.unwrap_or(false))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, EventError> {
        self.optional(name, Value::as_i64)
    }

    pub(super) fn required_integer(&self, name: &str) -> Result<i64, EventError> {
        self.required(name, Value::as_i64)
    }

    /// A moment in milliseconds, as all of them are inside `data`.
    pub(super) fn moment(&self, name: &str) -> Result<Timestamp, EventError> {
        self.required_integer(name).map(Timestamp::from_milliseconds)
    }

    /// An object within; `path` is where it stands.
    pub(super) fn object(&self, name: &str, path: &'static str) -> Result<Option<Self>, EventError> {
        self.get(name).map(|value| Self::of(value, path)).transpose()
    }

    /// Whether a member that an accessor hands out as it is, is an object or not there.
    pub(super) fn check_object(&self, name: &str) -> Result<(), EventError> {
        self.optional(name, Value::as_object).map(drop)
    }

    pub(super) fn array(&self, name: &str) -> Result<&'a [Value], EventError> {
        let array = self.optional(name, Value::as_array)?;
        Ok(array.map_or(&[], Vec::as_slice))
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.get(name)
    }

    pub(super) fn missing(&self, name: &str) -> EventError {
        EventError::MemberMissing(self.place(name))
    }

    pub(super) fn malformed(&self, name: &str) -> EventError {
        EventError::MemberMalformed(self.place(name))
    }

    fn place(&self, name: &str) -> Box<str> {
        if self.path.is_empty() {
            name.into()
        } else {
            format!("{}.{name}", self.path).into()
        }
    }
}
