//! Fills in the table and column names of other structs at compile time, because a macro does not see other structs.

/// The number of names. In the text, the first is the character U+0001, the second U+0002, and so on.
const NAMES: usize = 6;

/// Returns the length of the text with its names.
pub const fn filled_length(text: &str, names: &[&str; NAMES]) -> usize {
    let (text, mut length, mut at) = (text.as_bytes(), 0, 0);
    while at < text.len() {
        length += match name_of(text[at], names) {
            Some(name) => name_length(name),
            None => 1,
        };
        at += 1;
    }
    length
}

/// Returns the text with its names. A name with a dot is a schema and a table, each quoted separately.
pub const fn filled<const LENGTH: usize>(text: &str, names: &[&str; NAMES]) -> [u8; LENGTH] {
    let (text, mut filled, mut length, mut at) = (text.as_bytes(), [0; LENGTH], 0, 0);
    while at < text.len() {
        match name_of(text[at], names) {
            None => {
                filled[length] = text[at];
                length += 1;
            }
            Some(name) => {
                let mut letter = 0;
                while letter < name.len() {
                    if name[letter] == b'.' {
                        filled[length] = b'"';
                        filled[length + 1] = b'.';
                        filled[length + 2] = b'"';
                        length += 3;
                    } else {
                        filled[length] = name[letter];
                        length += 1;
                    }
                    letter += 1;
                }
            }
        }
        at += 1;
    }
    filled
}

/// Fails to compile unless users, organizations and memberships are in three different tables.
pub const fn assert_own_table(table: &str, [user, organization]: &[&str; 2]) {
    assert!(
        !is_same(table, user) && !is_same(table, organization),
        "the user or the organization of the membership is stored in this table; give each struct a table of its own"
    );
    assert!(
        !is_same(user, organization),
        "the user and the organization of the membership are stored in one table; give each struct a table of its own"
    );
}

/// Compares table names without regard to case, as SQLite does.
const fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

const fn name_of<'a>(character: u8, names: &[&'a str; NAMES]) -> Option<&'a [u8]> {
    if character == 0 || character as usize > NAMES {
        return None;
    }
    Some(names[character as usize - 1].as_bytes())
}

const fn name_length(name: &[u8]) -> usize {
    let (mut length, mut at) = (0, 0);
    while at < name.len() {
        length += if name[at] == b'.' { 3 } else { 1 };
        at += 1;
    }
    length
}

/// The text with the names of a user's and an organization's struct.
#[doc(hidden)]
#[macro_export]
macro_rules! __filled {
    ($text:expr, $user:ty, $organization:ty) => {{
        const __TEXT: &str = $text;
        const __NAMES: [&str; 6] = [
            <$user as $crate::SyncedRow>::TABLE,
            <$user as $crate::SyncedRow>::CLERK_ID,
            <$user as $crate::SyncedRow>::LOCAL_KEY,
            <$organization as $crate::SyncedRow>::TABLE,
            <$organization as $crate::SyncedRow>::CLERK_ID,
            <$organization as $crate::SyncedRow>::LOCAL_KEY,
        ];
        const __BYTES: [u8; $crate::__private::filled_length(__TEXT, &__NAMES)] =
            $crate::__private::filled(__TEXT, &__NAMES);
        match ::core::str::from_utf8(&__BYTES) {
            ::core::result::Result::Ok(text) => text,
            ::core::result::Result::Err(_) => "",
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::{filled, filled_length};

    #[test]
    fn names_replace_their_characters() {
        const TEXT: &str = "SELECT \"\u{1}\".\"\u{3}\" FROM \"\u{4}\" -- né\0";
        const NAMES: [&str; 6] = ["accounts.users", "clerk_id", "id", "teams", "clerk", "key"];
        const BYTES: [u8; filled_length(TEXT, &NAMES)] = filled(TEXT, &NAMES);
        assert_eq!(
            str::from_utf8(&BYTES),
            Ok("SELECT \"accounts\".\"users\".\"id\" FROM \"teams\" -- né\0")
        );
    }
}
