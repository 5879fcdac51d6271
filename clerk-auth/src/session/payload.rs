//! The payload of a token, parsed in one pass: each standard claim has its own field, and all other claims are only
//! validated.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor};

use super::payload_slice::PayloadSlice;
use crate::claim::json::{KeySeed, Value, ValueSeed};

macro_rules! standard_claims {
    ($($name:ident)+) => {
        /// The standard claims of Clerk's documentation, "Session tokens"; everything else is custom.
        #[derive(Default)]
        pub(crate) struct Payload<'a> {
            text: &'a str,
            $(pub(crate) $name: Option<Value<'a>>,)+
        }

        impl<'a> Payload<'a> {
            fn claim(&mut self, name: &str) -> Option<&mut Option<Value<'a>>> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }

        pub(super) fn is_standard(name: &str) -> bool {
            matches!(name, $(stringify!($name))|+)
        }
    };
}

standard_claims! {
    act aud azp exp fea fva iat iss jti nbf o org_id org_permissions org_role org_slug pla sid sts sub v
}

impl<'a> Payload<'a> {
    /// Parses an object without duplicate names at any depth; returns `None` if the text is not such an object.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut payload = Self {
            text,
            ..Self::default()
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        deserializer.deserialize_map(Claims(&mut payload)).ok()?;
        deserializer.end().ok()?;
        Some(payload)
    }

    /// Returns a slice of one of the claims, to store next to the payload.
    pub(super) fn slice(&self, text: &str) -> PayloadSlice {
        PayloadSlice::new(text, self.text)
    }
}

struct Claims<'p, 'a>(&'p mut Payload<'a>);

impl<'a> Visitor<'a> for Claims<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the claims of a token")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut claims: A) -> Result<(), A::Error> {
        let mut custom: Vec<Cow<'a, str>> = Vec::new();
        while let Some(name) = claims.next_key_seed(KeySeed)? {
            match self.0.claim(&name) {
                Some(claim @ None) => claims.next_value_seed(ValueSeed(claim.insert(Value::Null)))?,
                Some(_) => return Err(A::Error::custom("a claim occurs twice")),
                None => {
                    custom.push(name);
                    claims.next_value_seed(ValueSeed(&mut Value::Null))?;
                }
            }
        }
        custom.sort_unstable();
        if custom.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(A::Error::custom("a claim occurs twice"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Payload;
    use crate::claim::json::Object;

    #[test]
    fn duplicate_claim_is_refused() {
        for (text, accepted) in [
            (r#"{"sub":"a","email":"b","o":{"id":"c"}}"#, true),
            (r#"{"sub":"a","sub":"a"}"#, false),
            (r#"{"sub":"a","s\u0075b":"b"}"#, false),
            (r#"{"email":"a","name":"b","email":null}"#, false),
            (r#"{"email":"a","e\u006dail":"b"}"#, false),
            (r#"{"o":{"id":"a","id":"b"}}"#, false),
            (r#"{"metadata":[{"a":1,"a":2}]}"#, false),
            (r#"{"jti":null,"jti":null}"#, false),
            (r#"{"sub":"a"}{}"#, false),
            (r#"["sub","a"]"#, false),
            (r#"{"sub":"a""#, false),
        ] {
            assert_eq!(Payload::parse(text).is_some(), accepted, "{text}");
        }
    }

    proptest::proptest! {
        /// Compares two parsers: the first reads the standard claims, the second later reads custom claims.
        #[test]
        fn two_readers_accept_the_same(text in r#"\{("(sub|o|v|a|b)":(1|-2\.5|"x\\n"|null|true|\[\]|\{"d":0(,"d":1)?\}),){0,4}"e":"é"\}?"#) {
            let accepted = Object::parse(&text).is_some();
            proptest::prop_assert_eq!(Payload::parse(&text).is_some(), accepted);
        }
    }
}
