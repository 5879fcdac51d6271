//! The stand-in's own publishable key. It is a production key, so that Clerk's front end behaves as in production.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Returns the key of the stand-in at an origin.
///
/// The host of its Frontend API cannot exist (RFC 2606 section 2), so a front end without the proxy URL reaches no
/// other server. The host differs from port to port: all ports of a host share cookies, and cookie names end in a hash
/// of the key.
pub(super) fn publishable_key(origin: &str) -> String {
    let authority = origin.strip_prefix("http://").unwrap_or(origin);
    let label: String = authority
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let label = label.trim_matches('-');
    format!(
        "pk_live_{}",
        STANDARD_NO_PAD.encode(format!("clerk.{label}.stand-in.invalid$"))
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn key_is_one_of_each_origin() {
        let origins = [
            "http://127.0.0.1:3000",
            "http://127.0.0.1:3001",
            "http://localhost:3000",
            "http://localhost",
            "http://[::1]:3000",
        ];
        let keys: BTreeSet<String> = origins.iter().map(|origin| publishable_key(origin)).collect();
        assert_eq!(keys.len(), origins.len());
        for key in keys {
            assert!(key.starts_with("pk_live_"), "{key}");
            assert!(!key["pk_live_".len()..].contains('_'), "{key}");
        }
    }
}
