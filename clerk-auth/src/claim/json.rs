//! A JSON object without duplicate names. Two readers of one token must not see two values of one claim (RFC 8725
//! section 2.4). RFC 7519 section 4 lets a parser reject duplicates.
//!
//! The values borrow from the text, because most of a token is read once and dropped.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// The only member of the object by which serde_json passes on a number with a fraction. serde_json uses such an object
/// if any crate of the application enables the feature `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// The members, in the order of the text.
#[derive(Debug)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

#[derive(Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Object<'a>),
}

impl<'a> Object<'a> {
    /// Parses an object; returns `None` if the text is not an object, or has a duplicate name anywhere. serde_json
    /// bounds the nesting.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut value = Value::Null;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        ValueSeed(&mut value).deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        match value {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        let member = self.0.iter().find(|(known, _)| known == name);
        member.map(|(_, value)| value)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Returns the members with other names than these, as owned values.
    pub(crate) fn without(
        self,
        left_out: impl Fn(&str) -> bool,
    ) -> serde_json::Map<String, serde_json::Value> {
        // Members are inserted one by one: collecting would first sort a list of them.
        let mut members = serde_json::Map::new();
        for (name, value) in self.0 {
            if !left_out(&name) {
                members.insert(name.into_owned(), value.into());
            }
        }
        members
    }

    fn has_duplicates(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    }
}

/// The names of an object so far, one bit each. Names with different bits differ.
#[derive(Default)]
struct DuplicateFilter(u64);

impl DuplicateFilter {
    /// Adds a name. Returns whether the name may have been added before.
    fn insert(&mut self, name: &str) -> bool {
        let last = name.as_bytes().last().map_or(0, |byte| usize::from(*byte));
        let bit = 1 << ((last.wrapping_mul(7) ^ name.len().wrapping_mul(29)) % 64);
        let seen = self.0 & bit != 0;
        self.0 |= bit;
        seen
    }
}

impl<'a> Value<'a> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl From<Value<'_>> for serde_json::Value {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::Text(text) => Self::String(text.into_owned()),
            Value::Array(elements) => elements.into_iter().map(Self::from).collect(),
            Value::Object(object) => Self::Object(object.without(|_| false)),
        }
    }
}

/// Deserializes a value in place, because a returned value is copied at each return and is too large for that.
pub(crate) struct ValueSeed<'p, 'a>(pub(crate) &'p mut Value<'a>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.0 = Value::Null;
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.0 = Value::Bool(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        *self.0 = Value::Number(value.into());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        *self.0 = Value::Number(value.into());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("not a JSON number"))?;
        *self.0 = Value::Number(number);
        Ok(())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        *self.0 = Value::Text(value.into());
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        *self.0 = Value::Text(value.to_owned().into());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut array = Vec::new();
        let mut element = Value::Null;
        while elements.next_element_seed(ValueSeed(&mut element))?.is_some() {
            array.push(std::mem::replace(&mut element, Value::Null));
        }
        *self.0 = Value::Array(array);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut object = Object(Vec::new());
        let (mut seen, mut suspect) = (DuplicateFilter::default(), false);
        while let Some(name) = members.next_key_seed(KeySeed)? {
            suspect |= seen.insert(&name);
            let is_number = name == NUMBER;
            object.0.push((name, Value::Null));
            if let Some((_, value)) = object.0.last_mut() {
                members.next_value_seed(ValueSeed(value))?;
                if is_number && let Some(number) = value.as_str().and_then(|text| text.parse::<Number>().ok())
                {
                    *self.0 = Value::Number(number);
                    return Ok(());
                }
            }
        }
        if suspect && object.has_duplicates() {
            return Err(A::Error::custom("a name occurs twice"));
        }
        *self.0 = Value::Object(object);
        Ok(())
    }
}

/// A member's name; serde's own `Cow` never borrows.
pub(crate) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(name.into())
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(name.to_owned().into())
    }
}

#[cfg(test)]
mod tests {
    use super::Object;

    fn object(text: &str) -> Option<serde_json::Value> {
        Object::parse(text).map(|object| object.without(|_| false).into())
    }

    /// Passes with serde_json's feature `arbitrary_precision` as well, which another crate may enable.
    #[test]
    fn numbers_are_numbers() {
        let object = object(r#"{"a":1.5,"b":-2,"c":[1e3]}"#).expect("an object");
        assert_eq!(object["a"].as_f64(), Some(1.5));
        assert_eq!(object["b"].as_i64(), Some(-2));
        assert_eq!(object["c"][0].as_f64(), Some(1e3));
    }

    #[test]
    fn duplicates_are_refused_at_any_depth() {
        let many = |last: &str| {
            let members: String = (0..100).map(|number| format!(r#""{number}":0,"#)).collect();
            format!(r#"{{{members}"{last}":0}}"#)
        };
        for (text, accepted) in [
            (r#"{"a":1,"b":{"a":2}}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":2}"#, false),
            (r#"{"o":{"id":"x","id":"y"}}"#, false),
            (r#"{"a":[{"b":1,"b":2}]}"#, false),
            (&many("100"), true),
            (&many("50"), false),
            ("[]", false),
            ("{} {}", false),
            ("", false),
        ] {
            assert_eq!(object(text).is_some(), accepted, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(object(&format!(r#"{{"a":{deep}"#)).is_none());
    }

    proptest::proptest! {
        #[test]
        fn values_are_those_that_serde_json_reads(text in r#"\{("[a-c]":(1|-2\.5|"x\\n"|null|true|\[\]|\{"d":0\}),){0,2}"e":"é"\}"#) {
            let expected: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let members = expected.as_object().expect("an object").len();
            match object(&text) {
                Some(read) => proptest::prop_assert_eq!(read, expected),
                None => proptest::prop_assert!(text.matches("\":").count() > members),
            }
        }
    }
}
