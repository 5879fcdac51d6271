//! Reads JSON text: strict about structure, lenient about values.

use memchr::memchr2;
use serde_json::{Map, Number, Value};

use super::unreadable::{Members, Unreadable};

/// The largest depth that is read. Clerk's own objects and the paths in templates are less deep. serde_json's limit is
/// 128, so it can read the result back.
///
/// ```
/// use clerk_auth::lenient::{LenientValue, MAX_DEPTH};
///
/// let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
/// let read = |levels| LenientValue::from_slice(nested(levels).as_bytes());
/// assert!(read(MAX_DEPTH)?.unreadable().is_empty());
/// assert_eq!(read(100_000)?.unreadable().len(), 1);
/// # Ok::<(), clerk_auth::lenient::InvalidStructure>(())
/// ```
pub const MAX_DEPTH: usize = 100;

/// The prefix of the names that serde_json's deserializer reserves for `Number` and `RawValue`. They are reserved if
/// any crate of the application enables `arbitrary_precision` or `raw_value`. sqlx enables `raw_value`.
const PRIVATE: &str = "$serde_json::private::";

type Part = (Value, Option<Unreadable>);

const UNREADABLE: Part = (Value::Null, Some(Unreadable::Whole));

/// Parses a text that is one value; returns `None` if its structure is broken.
pub(super) fn read(text: &[u8]) -> Option<Part> {
    let mut reader = Reader { text, at: 0 };
    let part = reader.value(0)?;
    reader.skip_whitespace();
    (reader.at == text.len()).then_some(part)
}

/// Returns whether serde_json could write the value but not read it back.
pub(crate) fn has_private_name(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(has_private_name),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.starts_with(PRIVATE) || has_private_name(value)),
        _ => false,
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self, depth: usize) -> Option<Part> {
        match self.peek()? {
            b'[' | b'{' if depth == MAX_DEPTH => {
                self.skip_nested()?;
                Some(UNREADABLE)
            }
            b'[' => self.array(depth + 1),
            b'{' => self.object(depth + 1),
            b'"' => Some(match self.text()?.unescape() {
                Some(text) => (Value::String(text), None),
                None => UNREADABLE,
            }),
            _ => self.word(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<Part> {
        self.at += 1;
        let (mut elements, mut unreadable) = (Vec::new(), Members::new());
        if !self.eat(b']') {
            loop {
                let (element, within) = self.value(depth)?;
                if let Some(within) = within {
                    unreadable.insert(elements.len().to_string().into(), within);
                }
                elements.push(element);
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        Some((Value::Array(elements), Unreadable::within(unreadable)))
    }

    fn object(&mut self, depth: usize) -> Option<Part> {
        self.at += 1;
        let mut object = Object::default();
        if !self.eat(b'}') {
            loop {
                if self.peek()? != b'"' {
                    return None;
                }
                let name = self.text()?;
                if !self.eat(b':') {
                    return None;
                }
                let member = self.value(depth)?;
                match name.unescape() {
                    Some(name) => object.insert(name, member),
                    None => object.mark(name.lossy()),
                }
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Some((
            Value::Object(object.members),
            Unreadable::within(object.unreadable),
        ))
    }

    /// Reads `true`, `false`, `null` or a number. Any other word up to the next delimiter is an unreadable value.
    fn word(&mut self) -> Option<Part> {
        let rest = self.text.get(self.at..)?;
        let is_delimiter = |byte: &u8| b" \t\r\n,:\"[]{}".contains(byte);
        let length = rest.iter().position(is_delimiter).unwrap_or(rest.len());
        let (word, _) = rest.split_at(length);
        self.at += length;
        match word {
            b"" => None,
            b"true" => Some((true.into(), None)),
            b"false" => Some((false.into(), None)),
            b"null" => Some((Value::Null, None)),
            number => Some(match parse_number(number) {
                Some(number) => (Value::Number(number), None),
                None => UNREADABLE,
            }),
        }
    }

    /// Finds the end of a text: the first quote that is not escaped.
    fn text(&mut self) -> Option<Text<'t>> {
        let start = self.at + 1;
        let mut end = start;
        let mut is_escaped = false;
        loop {
            end += memchr2(b'"', b'\\', self.text.get(end..)?)?;
            if self.text[end] == b'"' {
                break;
            }
            is_escaped = true;
            end += 2;
        }
        self.at = end + 1;
        Some(Text {
            text: &self.text[start..end],
            is_escaped,
        })
    }

    /// Skips an array or an object without recursion. Its brackets have to match.
    fn skip_nested(&mut self) -> Option<()> {
        let mut ends = Vec::new();
        loop {
            match self.peek()? {
                b'"' => {
                    self.text()?;
                }
                byte => {
                    self.at += 1;
                    match byte {
                        b'[' => ends.push(b']'),
                        b'{' => ends.push(b'}'),
                        b']' | b'}' if ends.pop() != Some(byte) => return None,
                        _ => {}
                    }
                }
            }
            if ends.is_empty() {
                return Some(());
            }
        }
    }

    fn skip_whitespace(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    }

    /// Returns the next byte that is not whitespace.
    fn peek(&mut self) -> Option<u8> {
        self.skip_whitespace();
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Returns true after a comma, false at the end, and `None` at anything else.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        if self.eat(b',') {
            Some(true)
        } else {
            self.eat(end).then_some(false)
        }
    }
}

#[derive(Default)]
struct Object {
    members: Map<String, Value>,
    unreadable: Members,
}

impl Object {
    fn insert(&mut self, name: String, (value, within): Part) {
        if name.starts_with(PRIVATE) {
            self.unreadable.insert(name.into(), Unreadable::Whole);
            return;
        }
        let is_unreadable = |object: &Self| object.unreadable.contains_key(&*name);
        match self.members.get(&name) {
            Some(known) if within.is_none() && !is_unreadable(self) && *known == value => {}
            Some(_) => self.mark(name),
            // An unreadable name may have been recorded under this one.
            None if is_unreadable(self) => {}
            None => {
                if let Some(within) = within {
                    self.unreadable.insert(name.as_str().into(), within);
                }
                self.members.insert(name, value);
            }
        }
    }

    /// Records a member as unreadable, whatever was read under the name.
    fn mark(&mut self, name: String) {
        if let Some(value) = self.members.get_mut(&name) {
            *value = Value::Null;
        }
        self.unreadable.insert(name.into(), Unreadable::Whole);
    }
}

/// The text between two quotes.
struct Text<'t> {
    text: &'t [u8],
    is_escaped: bool,
}

impl Text<'_> {
    fn unescape(&self) -> Option<String> {
        let mut rest = str::from_utf8(self.text).ok()?;
        if rest.bytes().any(|byte| byte < b' ') {
            return None;
        }
        if !self.is_escaped {
            return Some(rest.to_owned());
        }
        let mut text = String::with_capacity(rest.len());
        while let Some((plain, escape)) = rest.split_once('\\') {
            text.push_str(plain);
            let (char, after) = unescape_char(escape)?;
            text.push(char);
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    /// Returns a label for an unreadable name.
    fn lossy(&self) -> String {
        String::from_utf8_lossy(self.text).into_owned()
    }
}

/// Decodes an escape sequence. Returns its character and the text after it.
fn unescape_char(escape: &str) -> Option<(char, &str)> {
    let kind = escape.chars().next()?;
    let rest = &escape[kind.len_utf8()..];
    let char = match kind {
        '"' | '\\' | '/' => kind,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescape_utf16(rest),
        _ => return None,
    };
    Some((char, rest))
}

/// Decodes one UTF-16 unit, or a surrogate pair.
fn unescape_utf16(digits: &str) -> Option<(char, &str)> {
    let (first, rest) = utf16_unit(digits)?;
    if let Some(char) = char::from_u32(first.into()) {
        return Some((char, rest));
    }
    let (second, rest) = utf16_unit(rest.strip_prefix("\\u")?)?;
    let char = char::decode_utf16([first, second]).next()?.ok()?;
    Some((char, rest))
}

fn utf16_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, rest) = digits.split_at_checked(4)?;
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let unit = u16::from_str_radix(digits, 16).ok()?;
    is_hexadecimal.then_some((unit, rest))
}

/// Parses a number that `f64` can hold. The result does not depend on the features of serde_json in an application.
fn parse_number(word: &[u8]) -> Option<Number> {
    let number: Number = str::from_utf8(word).ok()?.parse().ok()?;
    number.as_f64().filter(|number| number.is_finite())?;
    Some(number)
}
