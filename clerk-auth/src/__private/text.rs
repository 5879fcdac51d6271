//! Concatenates text at compile time, for SQL constants whose column types come from Rust types.

/// The length of the concatenation, in bytes.
pub const fn length(parts: &[&str]) -> usize {
    let mut length = 0;
    let mut part = 0;
    while part < parts.len() {
        length += parts[part].len();
        part += 1;
    }
    length
}

/// The concatenation; `LENGTH` is what [`length`] says.
pub const fn concat<const LENGTH: usize>(parts: &[&str]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut position = 0;
    let mut part = 0;
    while part < parts.len() {
        let source = parts[part].as_bytes();
        let mut index = 0;
        while index < source.len() {
            bytes[position] = source[index];
            position += 1;
            index += 1;
        }
        part += 1;
    }
    bytes
}

/// The text that [`concat`] made.
pub const fn text(bytes: &[u8]) -> &str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a concatenation of texts is text"),
    }
}
