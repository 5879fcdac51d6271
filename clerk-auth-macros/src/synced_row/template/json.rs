//! A JSON parser that records positions, to show a template's mistakes by line and column.

/// A JSON value and the byte offset at which it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) json: Json,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Boolean(bool),
    /// A number as written.
    Number(String),
    Text(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A member of an object. Members keep their order, and duplicates are kept, for the template to reject.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) name_at: usize,
    pub(crate) value: Node,
}

/// A syntax error and its position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// The maximum depth, sufficient for any template. The bound prevents a hostile file from exhausting the compiler's
/// stack.
const MAX_DEPTH: usize = 64;

pub(crate) fn read(text: &str) -> Result<Node, JsonError> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    if text.starts_with('\u{feff}') {
        return Err(reader.error("it begins with a byte order mark; save the file as UTF-8 without one"));
    }
    let node = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.error("unexpected text after the JSON value"));
    }
    Ok(node)
}

/// Returns the line and column of a byte offset, both from 1, columns in characters.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Node, JsonError> {
        self.skip_space();
        let at = self.at;
        let json = match self.peek() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"') => Json::Text(self.string()?),
            Some('-' | '0'..='9') => Json::Number(self.number()?),
            Some('a'..='z') => self.word()?,
            Some(_) => return Err(self.unexpected("expected a JSON value")),
            None => return Err(self.error("the JSON ends too early")),
        };
        Ok(Node { at, json })
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Json, JsonError>) -> Result<Json, JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("the JSON is nested too deeply"));
        }
        self.depth += 1;
        self.bump();
        let json = read(self)?;
        self.depth -= 1;
        Ok(json)
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut members = Vec::new();
        self.skip_space();
        if self.eat('}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            let name_at = self.at;
            if self.peek() != Some('"') {
                return Err(self.unexpected("expected a name in double quotes"));
            }
            let name = self.string()?;
            self.skip_space();
            if !self.eat(':') {
                return Err(self.error("expected `:` after the name"));
            }
            let value = self.value()?;
            members.push(Member { name, name_at, value });
            self.skip_space();
            if self.eat('}') {
                return Ok(Json::Object(members));
            }
            self.comma('}')?;
        }
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let mut elements = Vec::new();
        self.skip_space();
        if self.eat(']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            self.skip_space();
            if self.eat(']') {
                return Ok(Json::Array(elements));
            }
            self.comma(']')?;
        }
    }

    /// Parses the comma between two values; `close` ends the list.
    fn comma(&mut self, close: char) -> Result<(), JsonError> {
        let comma = self.at;
        if !self.eat(',') {
            return Err(self.unexpected(&format!("expected `,` or `{close}` after the value")));
        }
        self.skip_space();
        if self.peek() == Some(close) {
            self.at = comma;
            return Err(self.error(&format!("unexpected `,` before `{close}`")));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(self.error("the string is not closed")),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some('\0'..='\x1f') => {
                    self.at -= 1;
                    return Err(self
                        .error("a line break or control character in a string is written `\\n` or `\\u…`"));
                }
                Some(letter) => text.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let at = self.at;
        let letter = match self.bump() {
            Some(letter @ ('"' | '\\' | '/')) => letter,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let first = self.hexadecimal()?;
                // A character outside the basic plane is written as a surrogate pair (RFC 8259 section 7).
                let code = if (0xd800..0xdc00).contains(&first) && self.eat('\\') && self.eat('u') {
                    let second = self.hexadecimal()?;
                    if (0xdc00..0xe000).contains(&second) {
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    } else {
                        first
                    }
                } else {
                    first
                };
                return char::from_u32(code).ok_or(JsonError {
                    at,
                    message: "a lone surrogate is not a character".to_owned(),
                });
            }
            _ => {
                return Err(JsonError {
                    at,
                    message: "unknown escape".to_owned(),
                });
            }
        };
        Ok(letter)
    }

    fn hexadecimal(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<String, JsonError> {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|letter: char| !matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let number = &rest[..length];
        if !is_number(number) {
            return Err(self.error("this is not a JSON number"));
        }
        self.at += length;
        Ok(number.to_owned())
    }

    fn word(&mut self) -> Result<Json, JsonError> {
        for (word, json) in [
            ("null", Json::Null),
            ("true", Json::Boolean(true)),
            ("false", Json::Boolean(false)),
        ] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(json);
            }
        }
        Err(self.unexpected("expected a JSON value; strings are in double quotes"))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn eat(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        if found {
            self.bump();
        }
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.bump();
        }
    }

    /// Reports the expected token, or explains a construct that belongs to another language.
    fn unexpected(&self, expected: &str) -> JsonError {
        match &self.text.as_bytes()[self.at..] {
            [b'/', b'/' | b'*', ..] | [b'#', ..] => self.error("JSON has no comments"),
            [b'\'', ..] => self.error("names and strings are in double quotes"),
            _ if self.text[self.at..].starts_with(['“', '”', '„', '‘', '’']) => {
                self.error("names and strings are in straight double quotes, `\"`")
            }
            _ if ["True", "False", "None", "Null", "TRUE", "FALSE", "NULL"]
                .iter()
                .any(|word| self.text[self.at..].starts_with(word)) =>
            {
                self.error("expected `true`, `false` or `null` in lower case")
            }
            _ => self.error(expected),
        }
    }

    fn error(&self, message: &str) -> JsonError {
        JsonError {
            at: self.at,
            message: message.to_owned(),
        }
    }
}

/// Returns whether a text is a number (RFC 8259 section 6). Forms such as `01`, `+1`, `.5` and `1.` are not JSON.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_exactly_rfc_8259() {
        for text in [
            "{}",
            "[ ]",
            "0",
            "-0",
            "10",
            "1.5e-3",
            "1E+2",
            r#""\ud83d\ude00""#,
            r#"{"a":[1,{"b":null}]}"#,
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
        for (text, part) in [
            ("", "too early"),
            ("\u{feff}{}", "byte order mark"),
            ("// no\n{}", "no comments"),
            ("{/* no */}", "no comments"),
            ("{“a”: 1}", "straight"),
            (r#"{"a": True}"#, "lower case"),
            (r##"{"a":1} # no"##, "unexpected text after"),
            (r#"{"a":1,}"#, "before `}`"),
            ("[1,]", "before `]`"),
            ("{'a':1}", "double quotes"),
            (r#"{"a":'b'}"#, "double quotes"),
            ("{a:1}", "double quotes"),
            (r#"{"a" 1}"#, "`:`"),
            (r#"{"a":1 "b":2}"#, "`,` or `}`"),
            ("01", "not a JSON number"),
            ("1.", "not a JSON number"),
            ("-", "not a JSON number"),
            ("1e", "not a JSON number"),
            (".5", "expected a JSON value"),
            ("+1", "expected a JSON value"),
            ("NaN", "expected a JSON value"),
            ("nul", "double quotes"),
            (r#""\ud83d\u0041""#, "surrogate"),
            (r#""\ud83d""#, "surrogate"),
            (r#""\u+12f""#, "hexadecimal"),
            (r#""\x""#, "unknown escape"),
            ("\"a\nb\"", "control character"),
            ("\"a", "not closed"),
        ] {
            let message = read(text).expect_err(text).message;
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
