//! The largest size of a claim that no struct has, by the figures of
//! [`SessionTokenBudget`](crate::claim::SessionTokenBudget).

use serde_json::Value;

use super::shortcodes::{Part, operands, parts};

/// The largest output of each shortcode in bytes, with its quotes. The derive has a table of the same figures with
/// their reasons, and a test compares both tables.
const SIZES: [(&str, usize); 26] = [
    ("user.id", 34),
    ("user.first_name", 102),
    ("user.last_name", 102),
    ("user.full_name", 203),
    ("user.username", 66),
    ("user.external_id", 102),
    ("user.primary_email_address", 256),
    ("user.primary_phone_number", 18),
    ("user.primary_web3_wallet", 102),
    ("user.created_at", 10),
    ("user.updated_at", 10),
    ("user.email_verified", 5),
    ("user.phone_number_verified", 5),
    ("user.two_factor_enabled", 5),
    ("user.image_url", 302),
    ("user.has_image", 5),
    ("org.id", 102),
    ("org.name", 102),
    ("org.slug", 102),
    ("org.role", 102),
    ("org.image_url", 302),
    ("org.has_image", 100),
    ("org_membership.permissions", 100),
    ("session.reverification_id", 102),
    ("session.created_at", 100),
    ("session.expire_at", 100),
];

/// The objects with values of assumed size.
const METADATA: [&str; 4] = [
    "user.public_metadata.",
    "user.unsafe_metadata.",
    "org.public_metadata.",
    "org_membership.public_metadata.",
];

/// The assumed size of one value inside metadata.
const METADATA_VALUE: usize = 100;

/// Returns the table.
#[doc(hidden)]
pub fn shortcode_sizes() -> impl Iterator<Item = (&'static str, usize)> {
    SIZES.into_iter()
}

/// Returns the largest size of a claim with its name and punctuation, in bytes; `None` if it is unbounded.
pub(super) fn claim(name: &str, value: &Value) -> Option<usize> {
    Some(name.len() + 4 + of_value(value)?)
}

fn of_value(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => of_text(text),
        Value::Array(elements) => {
            let sizes: Option<usize> = elements.iter().map(|element| Some(of_value(element)? + 1)).sum();
            Some(sizes? + 2)
        }
        Value::Object(members) => {
            let sizes: Option<usize> = members.iter().map(|(name, member)| claim(name, member)).sum();
            Some(sizes? + 2)
        }
        literal => Some(literal.to_string().len()),
    }
}

fn of_text(text: &str) -> Option<usize> {
    let parts = parts(text);
    let sizes: Option<usize> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.len()),
            Part::Shortcodes(inside) => of_operands(inside),
        })
        .sum();
    // The figure of a shortcode alone includes the quotes.
    let quotes = if matches!(parts[..], [Part::Shortcodes(_)]) {
        0
    } else {
        2
    };
    Some(sizes? + quotes)
}

/// Returns the largest size of a chain, whose value is that of one operand.
fn of_operands(inside: &str) -> Option<usize> {
    let sizes: Option<Vec<usize>> = operands(inside).into_iter().map(of_operand).collect();
    sizes?.into_iter().max()
}

fn of_operand(operand: &str) -> Option<usize> {
    if operand.starts_with('\'') || operand.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(operand.len());
    }
    if let "true" | "false" | "null" = operand {
        return Some(operand.len());
    }
    if let Some((_, bytes)) = SIZES.iter().find(|(name, _)| *name == operand) {
        return Some(*bytes);
    }
    METADATA
        .iter()
        .any(|object| operand.starts_with(object))
        .then_some(METADATA_VALUE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn size_is_that_of_the_largest_value() {
        for (value, bytes) in [
            (json!("text"), Some(6)),
            (json!(12), Some(2)),
            (json!("{{user.id}}"), Some(34)),
            (json!("{{user.username || user.id || 'somebody'}}"), Some(66)),
            (json!("@{{user.username || ''}}"), Some(69)),
            (json!("{{user.public_metadata.plan}}"), Some(100)),
            (json!({ "a": "{{user.id}}" }), Some(41)),
            (json!(["{{user.id}}", 1]), Some(39)),
            (json!("{{user.public_metadata}}"), None),
            (json!("{{user.organizations}}"), None),
            (json!("{{user.newer}}"), None),
            (json!(["a {{user.unsafe_metadata}}"]), None),
        ] {
            assert_eq!(of_value(&value), bytes, "{value}");
        }
    }
}
