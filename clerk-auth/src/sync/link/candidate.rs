//! The value by which a Clerk user is linked to a row.

use serde_json::Value;

use crate::id::UserId;
use crate::sync::model::linking::LinkBy;

/// A Clerk user, with the value by which the user's row is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Candidate {
    pub(super) user_id: UserId,
    /// The value, exactly as Clerk has it; `None` if the user has none.
    pub(super) value: Option<String>,
    /// False if the user has not proven ownership of the value.
    pub(super) is_verified: bool,
    pub(super) external_id: Option<String>,
}

impl Candidate {
    /// Reads a user object, in which unreadable parts are null. So an unreadable verification does not count.
    pub(super) fn new(user_id: &str, user: &Value, by: LinkBy) -> Self {
        let external_id = text(&user["external_id"]);
        let (value, is_verified) = match by {
            LinkBy::ExternalId => (external_id.clone(), true),
            LinkBy::Email => primary_email(user),
        };
        Self {
            user_id: UserId::new(user_id),
            value,
            is_verified,
            external_id,
        }
    }
}

/// Returns the primary e-mail address, and whether the user has verified this address. Clerk's shortcode
/// `{{user.email_verified}}` is true for any verified address.
fn primary_email(user: &Value) -> (Option<String>, bool) {
    let Some(id) = text(&user["primary_email_address_id"]) else {
        return (None, false);
    };
    let addresses = user["email_addresses"].as_array();
    let mut primary = addresses
        .into_iter()
        .flatten()
        .filter(|address| address["id"] == *id);
    match (primary.next(), primary.next()) {
        (Some(address), None) => (
            text(&address["email_address"]),
            address["verification"]["status"] == "verified",
        ),
        // No address has this id, or several do.
        _ => (None, false),
    }
}

/// Returns a text that a database can compare, that is, without a NUL, which PostgreSQL refuses.
fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty() && !text.contains('\0'))
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn address(id: &str, email: &str, verification: &Value) -> Value {
        json!({ "id": id, "email_address": email, "verification": verification })
    }

    #[test]
    fn only_the_verified_primary_address_counts() {
        let verified = json!({ "status": "verified" });
        let ada = address("idn_1", "ada@example.com", &verified);
        for (primary, addresses, expected) in [
            (json!("idn_1"), json!([ada]), (Some("ada@example.com"), true)),
            (json!("idn_2"), json!([ada]), (None, false)),
            (json!(null), json!([ada]), (None, false)),
            (
                json!(""),
                json!([address("", "ada@example.com", &verified)]),
                (None, false),
            ),
            (json!("idn_1"), json!([ada, ada]), (None, false)),
            (json!("idn_1"), json!(null), (None, false)),
            (
                json!("idn_1"),
                json!([address("idn_1", "", &verified)]),
                (None, true),
            ),
            (
                json!("idn_1"),
                json!([address(
                    "idn_1",
                    "Ada@Example.com",
                    &json!({ "status": "unverified" })
                )]),
                (Some("Ada@Example.com"), false),
            ),
            (
                json!("idn_1"),
                json!([
                    address("idn_1", "ada@example.com", &json!(null)),
                    address("idn_2", "x@example.com", &verified)
                ]),
                (Some("ada@example.com"), false),
            ),
            (
                json!("idn_1"),
                json!([address(
                    "idn_1",
                    "ada@example.com",
                    &json!({ "status": "expired" })
                )]),
                (Some("ada@example.com"), false),
            ),
        ] {
            let user = json!({ "primary_email_address_id": primary, "email_addresses": addresses });
            let candidate = Candidate::new("user_ada", &user, LinkBy::Email);
            let found = (candidate.value.as_deref(), candidate.is_verified);
            assert_eq!(found, expected, "{user}");
        }
    }

    #[test]
    fn external_id_is_a_text_that_is_not_empty() {
        for (external_id, expected) in [
            (json!("7"), Some("7")),
            (json!(""), None),
            (json!("7\u{0}"), None),
            (json!(7), None),
            (json!(null), None),
        ] {
            let user = json!({ "external_id": external_id });
            let candidate = Candidate::new("user_ada", &user, LinkBy::ExternalId);
            assert_eq!(candidate.value.as_deref(), expected, "{user}");
        }
    }
}
