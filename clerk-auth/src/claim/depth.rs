//! Cuts off what is nested too deeply in a JSON text, without recursion.
//!
//! A browser writes `unsafe_metadata`, eight kilobytes of it, nested as deeply as it likes. A parser that gives up at some
//! depth would let a user keep their own events, and a page of others beside them, from being read; one that does not give
//! up would run out of stack.

use std::borrow::Cow;

/// So many levels are kept: more than an event or a user has by itself and a path in a template reaches into, fewer than
/// serde_json's own 128.
const DEEPEST: usize = 100;

/// The text with `null` for each array and object that stands deeper. What is cut off is not looked at.
pub(crate) fn without_depths(text: &[u8]) -> Cow<'_, [u8]> {
    let mut kept: Option<Vec<u8>> = None;
    let (mut depth, mut copied) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth == DEEPEST + 1 {
                    let kept = kept.get_or_insert_default();
                    kept.extend_from_slice(&text[copied..at]);
                    kept.extend_from_slice(b"null");
                    // Where it does not end, nothing follows.
                    copied = text.len();
                }
            }
            b']' | b'}' => {
                if depth == DEEPEST + 1 {
                    copied = at + 1;
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    match kept {
        None => Cow::Borrowed(text),
        Some(mut kept) => {
            kept.extend_from_slice(&text[copied..]);
            if depth > DEEPEST {
                // An end is missing, and must be missed.
                kept.push(b'[');
            }
            Cow::Owned(kept)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    fn read(text: &str) -> Option<Value> {
        serde_json::from_slice(&without_depths(text.as_bytes())).ok()
    }

    #[test]
    fn what_is_deeper_is_null_and_the_rest_is_as_it_was() {
        assert!(matches!(without_depths(nested(100).as_bytes()), Cow::Borrowed(_)));
        for levels in [101, 127, 128, 129, 4_000, 500_000] {
            let text = format!(
                r#"{{"a":{},"b":"[[{{\"","c":[{}]}}"#,
                nested(levels),
                nested(levels)
            );
            let value = read(&text).expect("it can be read");
            assert_eq!(
                (&value["b"], value["c"].is_array()),
                (&Value::from("[[{\""), true)
            );
            let mut depth = 0;
            let mut innermost = &value["a"];
            while let Some(array) = innermost.as_array() {
                innermost = &array[0];
                depth += 1;
            }
            assert_eq!((depth, innermost), (99, &Value::Null));
        }
    }

    #[test]
    fn what_is_no_json_does_not_become_some() {
        let deep = "[".repeat(200);
        for text in [
            deep.clone(),
            format!("{deep}{}", "]".repeat(199)),
            format!("{deep}{}", "]".repeat(100)),
            format!("{}]", nested(200)),
            "]]]".to_owned(),
            "\"[".to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_shallow_text_is_left_as_it_is(text in ".{0,200}") {
            proptest::prop_assert!(matches!(without_depths(text.as_bytes()), Cow::Borrowed(_)));
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::sample::select(b"[]{}\"\\1,:".to_vec()), 0..2_000)) {
            let _ = without_depths(&bytes);
        }
    }
}
