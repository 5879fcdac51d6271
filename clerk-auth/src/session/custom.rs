//! The team's own claims, decoded when somebody asks for one: most requests do not, and it takes as long as the rest of
//! reading a token.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::payload::is_standard;
use crate::claim::json::Object;

/// Everything in a payload but the standard claims.
pub(super) struct CustomClaims {
    /// Has been read as an object without duplicates, so that nothing is left to fail.
    payload: Vec<u8>,
    decoded: OnceLock<Map<String, Value>>,
}

impl CustomClaims {
    pub(super) fn of(payload: Vec<u8>) -> Self {
        Self {
            payload,
            decoded: OnceLock::new(),
        }
    }

    pub(super) fn decoded(&self) -> &Map<String, Value> {
        self.decoded.get_or_init(|| {
            Object::parse(&self.payload)
                .map(|claims| claims.without(is_standard))
                .unwrap_or_default()
        })
    }
}
