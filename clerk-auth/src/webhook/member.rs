//! Reads members of an event by name. Members that identify the event must be readable; members that a user wrote may
//! be unreadable.

use serde_json::Value;

use super::error::EventError;
use crate::id::is_id;
use crate::lenient::{LenientValue, Node};
use crate::time::Timestamp;

/// An object of an event, its path, and the members that deviate from Clerk's documentation.
pub(super) struct Members<'a> {
    object: Node<'a>,
    path: &'static str,
    odd: Vec<String>,
}

impl<'a> Members<'a> {
    pub(super) fn new(object: Node<'a>, path: &'static str) -> Result<Self, EventError> {
        match object.shallow() {
            Ok(Value::Object(_)) => Ok(Self {
                object,
                path,
                odd: Vec::new(),
            }),
            Ok(Value::Null) => Err(EventError::MemberMissing(path.into())),
            _ => Err(EventError::MemberMalformed(path.into())),
        }
    }

    /// Returns the paths to report to an application: unreadable parts, and members of another kind than Clerk
    /// documents.
    pub(super) fn into_unreadable(self, object: &LenientValue) -> Box<[Box<str>]> {
        let mut paths = object.unreadable();
        paths.extend(self.odd);
        paths.sort_unstable();
        paths.dedup();
        paths.into_iter().map(Into::into).collect()
    }

    /// Reads a member that must be as documented. Returns `None` for null and for a missing member.
    fn strict<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, EventError> {
        match self.object.get(name).shallow() {
            Ok(Value::Null) => Ok(None),
            Ok(value) => read(value).map(Some).ok_or_else(|| self.malformed(name)),
            Err(_) => Err(self.malformed(name)),
        }
    }

    /// Reads a member of any kind. Returns `None` and records the member if it is not as documented.
    fn lenient<T>(&mut self, name: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let read = match self.object.get(name).shallow() {
            Ok(Value::Null) => return None,
            Ok(value) => read(value),
            Err(_) => None,
        };
        if read.is_none() {
            self.note(name);
        }
        read
    }

    /// Records a member that is not as documented.
    pub(super) fn note(&mut self, name: &str) {
        self.odd.push(format!("/{name}"));
    }

    pub(super) fn required_text(&self, name: &str) -> Result<Box<str>, EventError> {
        self.strict(name, |value| value.as_str().map(Into::into))?
            .ok_or_else(|| self.missing(name))
    }

    /// Reads a required identifier.
    pub(super) fn id<I>(&self, name: &str, new: impl FnOnce(Box<str>) -> I) -> Result<Option<I>, EventError> {
        self.strict(name, |value| {
            let id = value.as_str().filter(|id| is_id(id))?;
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

    /// Reads an optional identifier.
    pub(super) fn lenient_id<I>(&mut self, name: &str, new: impl FnOnce(Box<str>) -> I) -> Option<I> {
        let id = self.lenient(name, |value| value.as_str().filter(|id| is_id(id)))?;
        Some(new(id.into()))
    }

    pub(super) fn required_integer(&self, name: &str) -> Result<i64, EventError> {
        self.strict(name, Value::as_i64)?
            .ok_or_else(|| self.missing(name))
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Box<str>> {
        self.lenient(name, |value| value.as_str().map(Into::into))
    }

    /// Reads text that Clerk always sends.
    pub(super) fn text_or(&mut self, name: &str, otherwise: &str) -> Box<str> {
        let is_missing = matches!(self.object.get(name).shallow(), Ok(Value::Null));
        if is_missing {
            self.note(name);
        }
        self.text(name).unwrap_or_else(|| otherwise.into())
    }

    /// Reads a flag that bars a user. Only `false`, null and a missing member count as "not barred", because no other
    /// value is safe to.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.object.get(name).shallow() {
            Ok(Value::Null) => false,
            Ok(Value::Bool(flag)) => *flag,
            _ => {
                self.note(name);
                true
            }
        }
    }

    pub(super) fn integer(&mut self, name: &str) -> Option<i64> {
        self.lenient(name, Value::as_i64)
    }

    /// Reads a time in milliseconds, the unit of all times inside `data`. Clerk always sends it; the fallback is the
    /// event's own time.
    pub(super) fn time_or(&mut self, name: &str, otherwise: Timestamp) -> Timestamp {
        match self.object.get(name).shallow() {
            Ok(Value::Number(number)) if let Some(milliseconds) = number.as_i64() => {
                Timestamp::from_millis(milliseconds)
            }
            _ => {
                self.note(name);
                otherwise
            }
        }
    }

    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.integer(name).map(Timestamp::from_millis)
    }

    /// Reads a nested object; `path` is its path.
    pub(super) fn object(&self, name: &str, path: &'static str) -> Result<Option<Self>, EventError> {
        match self.node(name).shallow() {
            Ok(Value::Null) => Ok(None),
            _ => Self::new(self.node(name), path).map(Some),
        }
    }

    /// Records a member that is documented as an object, but is not one.
    pub(super) fn check_object(&mut self, name: &str) {
        self.lenient(name, Value::as_object);
    }

    /// Records a member that is documented as a list, but is not one.
    pub(super) fn check_array(&mut self, name: &str) {
        self.lenient(name, Value::as_array);
    }

    pub(super) fn node(&self, name: &str) -> Node<'a> {
        self.object.get(name)
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

/// Returns a member that is documented as an object, or null.
pub(super) fn object_or_null<'a>(raw: &'a LenientValue, name: &str) -> &'a Value {
    raw.get(name)
        .filter(|value| value.is_object())
        .unwrap_or(&Value::Null)
}

/// Checks `deleted`, which the type of the event already implies. Only an explicit contradiction is malformed.
pub(super) fn check_deleted(object: &Members<'_>) -> Result<(), EventError> {
    match object.node("deleted").shallow() {
        Ok(Value::Bool(false)) => Err(object.malformed("deleted")),
        _ => Ok(()),
    }
}
