//! Parses the shortcodes inside a template's strings, for a comparison.
//!
//! The derive has the complete parser, with error messages. This parser reads texts from Clerk's dashboard, which may
//! contain anything.

use serde_json::Value;

/// A part of a string.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    /// The text between `{{` and `}}`.
    Shortcodes(&'t str),
}

/// Splits a string at its shortcodes.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((inside, after)) = after.split_once("}}")
    {
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Shortcodes(inside));
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// Splits the operands of `||`, outside of single quotes.
pub(super) fn operands(inside: &str) -> Vec<&str> {
    let mut operands = Vec::new();
    let (mut start, mut is_quoted, mut is_bar) = (0, false, false);
    for (at, letter) in inside.char_indices() {
        let was_bar = std::mem::take(&mut is_bar);
        match letter {
            '\'' => is_quoted = !is_quoted,
            '|' if !is_quoted && was_bar => {
                operands.push(inside[start..at - 1].trim_ascii());
                start = at + 1;
            }
            '|' => is_bar = true,
            _ => {}
        }
    }
    operands.push(inside[start..].trim_ascii());
    operands
}

/// Returns the value with each shortcode in one spelling: `{{ a||b }}` becomes `{{a || b}}`.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let parts = parts(text).into_iter().map(|part| match part {
                Part::Text(text) => text.to_owned(),
                Part::Shortcodes(inside) => format!("{{{{{}}}}}", operands(inside).join(" || ")),
            });
            Value::String(parts.collect())
        }
        Value::Array(elements) => elements.iter().map(canonical).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), canonical(member)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spaces_around_operands_do_not_count() {
        for (text, expected) in [
            ("{{ user.id }}", "{{user.id}}"),
            ("{{user.a||user.b}}", "{{user.a || user.b}}"),
            ("{{user.a ||\t'a || b'}}", "{{user.a || 'a || b'}}"),
            ("a {{ user.a }} b {{user.b}}", "a {{user.a}} b {{user.b}}"),
            ("{{user.a || '  '}}", "{{user.a || '  '}}"),
            ("{{user.a", "{{user.a"),
            ("}} {{ a }}", "}} {{a}}"),
            ("", ""),
            ("{{}}", "{{}}"),
            ("{{a|b}}", "{{a|b}}"),
            ("{{a ||| b}}", "{{a || | b}}"),
            ("{{é || ü}}", "{{é || ü}}"),
        ] {
            assert_eq!(canonical(&json!([text])), json!([expected]));
        }
    }

    #[test]
    fn text_outside_of_shortcodes_is_kept() {
        assert_eq!(
            canonical(&json!({ "a": { "b": " c  d " } })),
            json!({ "a": { "b": " c  d " } })
        );
        assert_eq!(canonical(&json!([1, null, true])), json!([1, null, true]));
    }
}
