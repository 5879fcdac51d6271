//! Joins the statements for a user, an organization and a membership at compile time, because a macro does not see
//! other structs.

/// The text around the three statements.
const AROUND: [&str; 4] = [
    r#"SELECT "u".*, "o".*, "m".* FROM (SELECT 1) AS "one" LEFT JOIN ("#,
    r#") AS "u" ON TRUE LEFT JOIN ("#,
    r#") AS "o" ON TRUE LEFT JOIN ("#,
    r#") AS "m" ON TRUE"#,
];

/// Returns the length of the joined statement.
pub const fn joined_length(selects: &[&str; 3]) -> usize {
    let (mut length, mut place) = (AROUND[3].len(), 0);
    while place < selects.len() {
        length += AROUND[place].len() + selects[place].len();
        place += 1;
    }
    length
}

/// Returns a statement with the columns of all three, null where a row is missing. Each of the three ends in its only
/// parameter, and the joined statement takes these in the same order.
pub const fn joined<const LENGTH: usize>(selects: &[&str; 3]) -> [u8; LENGTH] {
    let (mut joined, mut length, mut place) = ([0; LENGTH], 0, 0);
    while place < selects.len() {
        length = append(&mut joined, length, AROUND[place]);
        length = append(&mut joined, length, selects[place]);
        // A struct with a reported mistake has no statement.
        if let Some(parameter) = last_parameter(&joined, length) {
            joined[parameter + 1] = b'1' + place as u8;
        }
        place += 1;
    }
    append(&mut joined, length, AROUND[3]);
    joined
}

/// Returns the place of the last parameter, `$1` or `?1`, before the end.
const fn last_parameter(text: &[u8], end: usize) -> Option<usize> {
    let mut at = end;
    while at > 0 {
        at -= 1;
        if text[at] == b'$' || text[at] == b'?' {
            return Some(at);
        }
    }
    None
}

const fn append<const LENGTH: usize>(to: &mut [u8; LENGTH], mut length: usize, text: &str) -> usize {
    let (text, mut at) = (text.as_bytes(), 0);
    while at < text.len() {
        to[length] = text[at];
        length += 1;
        at += 1;
    }
    length
}

/// The statement that reads a membership with its user and its organization.
#[doc(hidden)]
#[macro_export]
macro_rules! __joined {
    ($database:ty, $user:ty, $organization:ty, $membership:ty) => {{
        const __SELECTS: [&str; 3] = [
            <$user as $crate::row::StoredIn<$database>>::SELECT,
            <$organization as $crate::row::StoredIn<$database>>::SELECT,
            <$membership as $crate::row::StoredIn<$database>>::SELECT,
        ];
        const __BYTES: [u8; $crate::__private::joined_length(&__SELECTS)] =
            $crate::__private::joined(&__SELECTS);
        match ::core::str::from_utf8(&__BYTES) {
            ::core::result::Result::Ok(text) => ::core::option::Option::Some(text),
            ::core::result::Result::Err(_) => ::core::option::Option::None,
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::{joined, joined_length};

    #[test]
    fn parameters_are_numbered_in_order() {
        const SELECTS: [&str; 3] = [
            r#"SELECT "a$1" FROM "é" WHERE "id" = $1"#,
            r#"SELECT 2 WHERE CAST($1 AS TEXT) = '2'"#,
            "SELECT 3 WHERE 3 = ?1",
        ];
        const BYTES: [u8; joined_length(&SELECTS)] = joined(&SELECTS);
        assert_eq!(
            str::from_utf8(&BYTES),
            Ok(concat!(
                r#"SELECT "u".*, "o".*, "m".* FROM (SELECT 1) AS "one" "#,
                r#"LEFT JOIN (SELECT "a$1" FROM "é" WHERE "id" = $1) AS "u" ON TRUE "#,
                r#"LEFT JOIN (SELECT 2 WHERE CAST($2 AS TEXT) = '2') AS "o" ON TRUE "#,
                r#"LEFT JOIN (SELECT 3 WHERE 3 = ?3) AS "m" ON TRUE"#,
            ))
        );
    }
}
