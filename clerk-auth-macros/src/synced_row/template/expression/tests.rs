//! The language of a template's strings, as tables.

use super::*;

#[test]
fn kinds_follow_the_expression() {
    for (text, kind, nullable) in [
        ("{{user.first_name}}", Kind::Text, true),
        ("{{ user.first_name || 'friend' }}", Kind::Text, false),
        ("{{user.first_name || user.username}}", Kind::Text, true),
        ("{{user.created_at}}", Kind::Integer, false),
        ("{{user.created_at || 1.5}}", Kind::Number, false),
        ("{{user.username || user.created_at}}", Kind::Json, false),
        ("{{user.two_factor_enabled}}", Kind::Boolean, false),
        ("{{user.public_metadata}}", Kind::Object, false),
        ("{{user.public_metadata.plan}}", Kind::Json, true),
        ("{{user.public_metadata.plan || 'free'}}", Kind::Json, false),
        ("Dear {{user.first_name || 'friend'}}", Kind::Text, false),
        ("{{user.id}} ", Kind::Text, false),
        ("plain", Kind::Text, false),
        ("user.read user.write", Kind::Text, false),
        ("user.id is an id", Kind::Text, false),
        ("", Kind::Text, false),
        ("{{'a || b'}}", Kind::Text, false),
    ] {
        let expression = parse(text, Reading::default()).expect(text);
        assert_eq!(expression.kind(), (kind, nullable), "{text}");
    }
}

#[test]
fn only_a_shortcode_alone_is_a_unique_value() {
    for (text, expected) in [
        ("{{user.primary_email_address}}", true),
        ("{{ user.primary_phone_number }}", true),
        ("{{user.username}}", true),
        ("{{user.external_id}}", true),
        ("{{user.username || 'nobody'}}", false),
        ("{{user.username || user.external_id}}", false),
        ("{{user.external_id}} ", false),
        ("@{{user.id}}", false),
        ("{{user.first_name}}", false),
        ("{{user.unsafe_metadata.handle}}", false),
        ("{{user.public_metadata.username}}", false),
        ("{{user.created_at}}", false),
        ("user", false),
    ] {
        let expression = parse(text, Reading::default());
        let is_unique = expression.as_ref().is_ok_and(Expression::is_unique_value);
        assert_eq!(is_unique, expected, "{text}: {expression:?}");
    }
}

#[test]
fn mistakes_are_reported_at_their_column() {
    for (text, at, part) in [
        ("{{user.first_name", 0, "not closed"),
        ("user.first_name}}", 15, "closes nothing"),
        ("hello {user.first_name}", 6, "one brace"),
        ("user.first_name", 0, "is a plain string here"),
        ("<%= user.id %>", 4, "is a plain string here"),
        ("user.organizations", 0, "is a plain string here"),
        ("$session.expire_at", 1, "is a plain string here"),
        ("user.public_metadata.a.b", 0, "is a plain string here"),
        ("user.first_name || 'friend'", 0, "is a plain string here"),
        ("user.first_name user.last_name", 0, "is a plain string here"),
        ("{{{user.id}}}", 2, "found three"),
        ("{{user.id || friend}}", 13, "single quotes"),
        ("{{user.id || null}}", 13, "null already"),
        ("{{user.id || 'it's'}}", 13, "cannot contain"),
        ("{{user.id || `friend`}}", 13, "single quotes"),
        ("{{user.id\u{a0}}}", 2, "U+00A0"),
        ("{{}}", 2, "expected a shortcode"),
        ("{{user.first_name || }}", 21, "expected a shortcode"),
        ("{{user.frist_name}}", 2, "not known"),
        ("{{user.id || 'x}}", 13, "not closed"),
        ("{{user.id || \"x\"}}", 13, "single quotes"),
        ("{{user.first_name}}!", 0, "the word `null`"),
    ] {
        let errors = parse(text, Reading::default()).expect_err(text);
        let [error] = errors.as_slice() else {
            panic!("{text}: {errors:?}");
        };
        assert_eq!(error.at, at, "{text}: {}", error.message);
        assert!(error.message.contains(part), "{text}: {}", error.message);
    }
}

#[test]
fn every_mistake_of_a_text_is_listed() {
    for (text, places) in [
        ("{{user.first_name}} {{user.last_name}}", [0, 20].as_slice()),
        ("{{user.frist_name || usr.id}} {user.id}", &[2, 21, 30]),
        ("}} {{}} {{user.id", &[0, 5, 8]),
    ] {
        let errors = parse(text, Reading::default()).expect_err(text);
        let found: Vec<usize> = errors.iter().map(|error| error.at).collect();
        assert_eq!(found, places, "{text}: {errors:?}");
    }
}
