//! Compares the reader with serde_json's, for readable and unreadable input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{InvalidStructure, LenientValue, MAX_DEPTH};

fn read(text: impl AsRef<[u8]>) -> LenientValue {
    LenientValue::from_slice(text.as_ref()).expect("the structure is right")
}

/// Puts each odd text into a member, an element and a name. Everything beside it is read.
#[test]
fn unreadable_values_are_null_and_named() {
    for odd in [
        &br#""\ud800""#[..],
        br#""\udc00\ud800""#,
        br#""\ud800\u0041""#,
        br#""\ud800\ud800""#,
        br#""\u12""#,
        br#""\u+123""#,
        br#""\x""#,
        b"\"\x01\"",
        b"\"a\nb\"",
        b"\"\xff\"",
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"1e999",
        b"-1e400",
        b"1e99999999999999999999",
        b"NaN",
        b"Infinity",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"-",
        b"0x10",
        b"tru",
        b"True",
        b"nullnull",
        b"'a'",
        b"\xff",
        "9".repeat(400).as_bytes(),
        "[".repeat(MAX_DEPTH).as_bytes(),
        "{\"a\":".repeat(100_000).as_bytes(),
    ] {
        let ends: Vec<u8> = odd
            .iter()
            .rev()
            .filter(|_| matches!(odd[0], b'[' | b'{'))
            .filter_map(|byte| match byte {
                b'[' => Some(b']'),
                b'{' => Some(b'}'),
                _ => None,
            })
            .collect();
        let odd = match ends.is_empty() {
            true => odd.to_vec(),
            // The innermost needs a value.
            false => [odd, b"1", &ends].concat(),
        };
        let name = String::from_utf8_lossy(&odd).chars().take(30).collect::<String>();
        let value = read(
            [
                b"{\"a\":1,\"odd\":",
                &odd[..],
                b",\"b\":[2,",
                &odd,
                b",3],\"c\":{}}",
            ]
            .concat(),
        );
        let is_deep = odd[0] == b'[' || odd[0] == b'{';
        if is_deep {
            assert_eq!(
                (&value["a"], &value["b"][0], &value["b"][2]),
                (&json!(1), &json!(2), &json!(3))
            );
            assert!(
                value
                    .unreadable()
                    .iter()
                    .all(|path| path.starts_with("/odd") || path.starts_with("/b/1"))
            );
            assert_eq!(value.unreadable().len(), 2, "{name}");
        } else {
            assert_eq!(
                value,
                json!({ "a": 1, "odd": null, "b": [2, null, 3], "c": {} }),
                "{name}"
            );
            assert_eq!(value.unreadable(), ["/b/1", "/odd"], "{name}");
        }
    }
}

#[test]
fn unreadable_names_do_not_hide_the_members_beside_them() {
    for odd in [&br#""\ud800""#[..], b"\"\xff\"", b"\"\x00\"", br#""\q""#] {
        let value = read([b"{\"id\":\"x\",", odd, b":{\"id\":\"y\"},\"b\":true}"].concat());
        assert_eq!(value, json!({ "id": "x", "b": true }));
        assert_eq!(value.unreadable().len(), 1);
    }
    // A name that looks like the label of an unreadable one.
    for text in [
        &b"{\"\xef\xbf\xbd\":1,\"\xff\":2,\"a\":3}"[..],
        b"{\"\xff\":2,\"\xef\xbf\xbd\":1,\"a\":3}",
    ] {
        let value = read(text);
        assert!(value["\u{fffd}"].is_null() && value["a"] == 3);
        assert_eq!(value.unreadable(), ["/\u{fffd}"]);
    }
}

#[test]
fn no_duplicate_wins() {
    for (text, value, unreadable) in [
        (r#"{"a":1,"a":2,"b":3}"#, json!({ "a": null, "b": 3 }), vec!["/a"]),
        (r#"{"a":1,"\u0061":2}"#, json!({ "a": null }), vec!["/a"]),
        (r#"{"a":1,"a":1}"#, json!({ "a": 1 }), vec![]),
        (r#"{"a":1,"a":2,"a":1}"#, json!({ "a": null }), vec!["/a"]),
        (r#"{"a":1,"a":null}"#, json!({ "a": null }), vec!["/a"]),
        (r#"{"a":null,"a":1e999}"#, json!({ "a": null }), vec!["/a"]),
        (r#"{"a":1e999,"a":1e999}"#, json!({ "a": null }), vec!["/a"]),
        (
            r#"{"a":{"x":1e999},"a":{"x":null}}"#,
            json!({ "a": null }),
            vec!["/a"],
        ),
        (
            r#"[{"a":{"b":1,"b":2}}]"#,
            json!([{ "a": { "b": null } }]),
            vec!["/0/a/b"],
        ),
    ] {
        let read = read(text);
        assert_eq!(read, value, "{text}");
        assert_eq!(read.unreadable(), unreadable, "{text}");
    }
}

/// With any features of serde_json, every value that is read can be written and read back.
#[test]
fn private_names_are_left_out() {
    for (text, value) in [
        (
            r#"{"a":{"$serde_json::private::Number":1},"b":2}"#,
            json!({ "a": {}, "b": 2 }),
        ),
        (
            r#"{"a":{"$serde_json::private::Number":"1"},"b":2}"#,
            json!({ "a": {}, "b": 2 }),
        ),
        (
            r#"{"a":{"$serde_json::private::RawValue":"{"},"b":2}"#,
            json!({ "a": {}, "b": 2 }),
        ),
        (
            r#"{"a":{"z":1,"\u0024serde_json::private::RawValue":{}},"b":2}"#,
            json!({ "a": { "z": 1 }, "b": 2 }),
        ),
        (
            r#"{"$serde_json::private::Number":{"$serde_json::private::Number":7},"b":2}"#,
            json!({ "b": 2 }),
        ),
    ] {
        let read = read(text);
        assert_eq!(read, value, "{text}");
        assert_eq!(read.unreadable().len(), 1, "{text}");
        assert_eq!(serde_json::from_str::<Value>(&read.to_string()).ok(), Some(value));
    }
}

#[test]
fn broken_structure_is_refused() {
    let deep = "[".repeat(200);
    for text in [
        "",
        " ",
        "]",
        "}",
        ",",
        ":",
        "[",
        "{",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1:2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "{} {}",
        "\"",
        "\"\\",
        "\"\\\"",
        "\u{feff}{}",
        &deep,
        &format!("{deep}{}", "]".repeat(199)),
        &format!("{deep}{}", "]".repeat(201)),
        &format!("{deep}{}", "}".repeat(200)),
        &format!("{deep}\"{}", "]".repeat(200)),
    ] {
        assert_eq!(
            LenientValue::from_slice(text.as_bytes()),
            Err(InvalidStructure),
            "{text}"
        );
    }
}

#[test]
fn paths_are_json_pointers() {
    assert_eq!(read(r#"{"a/b":{"~":[0,NaN]}}"#).unreadable(), ["/a~1b/~0/1"]);
    assert_eq!(read("NaN").unreadable(), [""]);
    assert!(
        read(r#"[1,"\u0000",1e308,-0,123456789012345678901234567890]"#)
            .unreadable()
            .is_empty()
    );
}

/// JSON text: mostly right, at times with something odd.
fn json_text() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| json!(value).to_string()),
        ".{0,8}".prop_map(|text| json!(text).to_string()),
        Just(r#""\ud83d\ude00\u0000\/\b\f""#.to_owned()),
    ];
    scalar.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(|elements| format!("[ {} ]", elements.join(" ,\n"))),
            prop::collection::btree_map("[a-d\u{e9}]{0,2}", inner, 0..6).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{}: {value}", json!(name)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn json_is_read_as_serde_json_reads_it(text in json_text()) {
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let read = read(&text);
        prop_assert_eq!(&*read, &expected);
        prop_assert!(read.unreadable().is_empty());
    }

    /// Input that serde_json accepts is read; input that is not JSON is broken or has unreadable parts.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(prop::sample::select(b"[]{}\"\\u0d8,:1e.-n tf\xff".to_vec()), 0..60)) {
        let read = LenientValue::from_slice(&bytes);
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(expected) => {
                let read = read.expect("serde_json reads it");
                // serde_json lets the last of two duplicates win.
                prop_assert!(!read.unreadable().is_empty() || *read == expected);
            }
            Err(_) => prop_assert!(read.map_or(true, |read| !read.unreadable().is_empty())),
        }
    }
}
