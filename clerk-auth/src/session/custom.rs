//! The application's own claims, decoded on first use. Most requests need none of them, and decoding takes as long as
//! all other parsing of a token.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::payload::is_standard;
use crate::claim::json::Object;

/// All claims of a payload except the standard ones.
#[derive(Default)]
pub(super) struct CustomClaims(OnceLock<Map<String, Value>>);

impl CustomClaims {
    /// Decodes the claims. The payload has already been parsed as an object without duplicates, so this cannot fail.
    pub(super) fn get(&self, payload: &str) -> &Map<String, Value> {
        self.0.get_or_init(|| {
            Object::parse(payload)
                .map(|claims| claims.without(is_standard))
                .unwrap_or_default()
        })
    }
}
