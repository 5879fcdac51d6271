//! The header of a token (RFC 7515 section 4).
//!
//! The headers of one key's tokens differ only in the digits of `oiat`. So the general parser reads only the first
//! header. A later header is compared, except for these digits, with the last verified one. If it differs, the general
//! parser reads it.

use std::ops::Range;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::base64url;
use super::refusal::Refusal;
use crate::claim::json::{Object, Value};
use crate::time::Timestamp;

/// The `cat` of session tokens, and a value that some instances write into every token.
const SESSION_CATEGORIES: [&str; 2] = ["cl_B7d4PD111AAA", "cl_I7d4PD111III"];

/// Clerk's headers have about 110 bytes; the general parser reads headers longer than this.
const MAX_COMPARED: usize = 256;

/// A number of this many digits cannot overflow.
const MAX_DIGITS: usize = 18;

/// The header of a session token.
#[derive(Debug)]
pub(crate) struct Header {
    text: Box<[u8]>,
    /// The digits of `oiat` in the text; empty at its end if they cannot be compared separately.
    digits: Range<usize>,
    key_id: Option<Box<str>>,
    origin_issued_at: Option<Timestamp>,
}

impl Header {
    /// Parses any header.
    fn parse(text: &[u8]) -> Result<Self, Refusal> {
        // JSON text is UTF-8 (RFC 8259 section 8.1).
        let text = std::str::from_utf8(text).map_err(|_| Refusal::Malformed)?;
        let header = Object::parse(text).ok_or(Refusal::Malformed)?;
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(Refusal::Algorithm);
        }
        if header.get("crit").is_some() {
            return Err(Refusal::Critical);
        }
        let typ = header.get("typ");
        let category = header.get("cat");
        let of_session = typ.is_none_or(|typ| typ.as_str() == Some("JWT"))
            && category.is_none_or(|category| {
                SESSION_CATEGORIES
                    .iter()
                    .any(|known| category.as_str() == Some(known))
            });
        if !of_session {
            return Err(Refusal::NotASessionToken);
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::Text(key_id)) => Some(key_id.as_ref().into()),
            Some(_) => return Err(Refusal::Malformed),
        };
        let origin_issued_at = header.get("oiat");
        let digits = origin_issued_at.and_then(|_| digits_of_origin(text));
        Ok(Self {
            text: text.as_bytes().into(),
            digits: digits.unwrap_or(text.len()..text.len()),
            key_id,
            origin_issued_at: origin_issued_at.and_then(numeric_date),
        })
    }

    /// Returns the key id that the token claims.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the `oiat` of a header that differs from this one at most in the digits of `oiat`; `None` for any other
    /// header.
    fn origin_in(&self, text: &[u8]) -> Option<Option<Timestamp>> {
        let Range { start, end } = self.digits;
        let is_same = text.len() == self.text.len()
            && text[..start] == self.text[..start]
            && text[end..] == self.text[end..];
        if !is_same {
            return None;
        }
        let digits = &text[start..end];
        match digits.first() {
            None => Some(self.origin_issued_at),
            // JSON numbers have no leading zero (RFC 8259 section 6).
            Some(b'0') => None,
            Some(_) if digits.iter().all(u8::is_ascii_digit) => Some(Some(Timestamp::from_secs(
                digits
                    .iter()
                    .fold(0, |seconds, digit| 10 * seconds + i64::from(digit - b'0')),
            ))),
            Some(_) => None,
        }
    }
}

/// Finds the digits of `oiat` in a header, if they are the whole number.
///
/// Without a backslash, the text contains each name unchanged. So the only `oiat` is the name of the member, followed
/// by the digits of its value. Replacing these digits changes nothing else.
fn digits_of_origin(text: &str) -> Option<Range<usize>> {
    const NAME: &str = "oiat";
    let (at, _) = text.match_indices(NAME).next()?;
    let rest = &text[at + NAME.len()..];
    if text.contains('\\') || rest.contains(NAME) {
        return None;
    }
    let value = rest.strip_prefix("\":")?;
    let length = value.bytes().take_while(u8::is_ascii_digit).count();
    let is_whole = value[length..].starts_with([',', '}']);
    let start = text.len() - value.len();
    (is_whole && (1..=MAX_DIGITS).contains(&length)).then(|| start..start + length)
}

/// Reads a `NumericDate` (RFC 7519 section 2) and rounds a fraction down, so that rounding never makes claims newer.
///
/// Anything but a number counts as absent, as in Clerk's SDKs. The parameter is internal to Clerk, and a change of its
/// type must not refuse every token. The age of the claims is then that of `iat`. A time before 1970 reads as 1970,
/// which is older than every change.
fn numeric_date(value: &Value<'_>) -> Option<Timestamp> {
    let Value::Number(number) = value else {
        return None;
    };
    // The cast saturates, and JSON has no NaN.
    let seconds = number
        .as_i64()
        .or_else(|| number.as_f64().map(|seconds| seconds as i64))?;
    Some(Timestamp::from_secs(seconds.max(0)))
}

/// The header of the token that was verified last.
#[derive(Debug, Default)]
pub(crate) struct LastHeader(ArcSwapOption<Header>);

impl LastHeader {
    /// Reads a header in base64url. Returns this header, or an equal one with the same key. Also returns `oiat`, the
    /// time at which Clerk last read the claims from its database, if `oiat` is a number.
    pub(crate) fn read(&self, encoded: &[u8]) -> Result<(Arc<Header>, Option<Timestamp>), Refusal> {
        let mut buffer = [0; MAX_COMPARED];
        let Some(text) = base64url::decode_into(encoded, &mut buffer) else {
            return Self::parse(&base64url::decode(encoded)?);
        };
        let text = text?;
        if let Some(last) = &*self.0.load()
            && let Some(origin_issued_at) = last.origin_in(text)
        {
            return Ok((Arc::clone(last), origin_issued_at));
        }
        Self::parse(text)
    }

    fn parse(text: &[u8]) -> Result<(Arc<Header>, Option<Timestamp>), Refusal> {
        let header = Header::parse(text)?;
        let origin_issued_at = header.origin_issued_at;
        Ok((Arc::new(header), origin_issued_at))
    }

    /// Stores the header of a token whose signature has been verified. Unverified headers must not replace it.
    pub(crate) fn keep(&self, header: &Arc<Header>) {
        if !self
            .0
            .load()
            .as_ref()
            .is_some_and(|last| Arc::ptr_eq(last, header))
        {
            self.0.store(Some(Arc::clone(header)));
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    type Read = Result<(Option<String>, Option<Timestamp>), Refusal>;

    /// Reads a header after another was verified. Also returns whether the general parser was bypassed.
    fn read_after(last: &str, text: &[u8]) -> (Read, bool) {
        let headers = LastHeader::default();
        if let Ok(header) = Header::parse(last.as_bytes()) {
            headers.keep(&Arc::new(header));
        }
        let read = headers.read(URL_SAFE_NO_PAD.encode(text).as_bytes());
        let is_last = |header: &Arc<Header>| {
            let last = headers.0.load();
            last.as_ref().is_some_and(|last| Arc::ptr_eq(last, header))
        };
        let is_compared = read.as_ref().is_ok_and(|(header, _)| is_last(header));
        let read = read.map(|(header, origin)| (header.key_id().map(str::to_owned), origin));
        (read, is_compared)
    }

    fn parse(text: &[u8]) -> Read {
        let header = Header::parse(text)?;
        Ok((header.key_id().map(str::to_owned), header.origin_issued_at))
    }

    fn clerks(oiat: &str) -> String {
        format!(r#"{{"alg":"RS256","cat":"cl_B7d4PD111AAA","kid":"ins_1","oiat":{oiat},"typ":"JWT"}}"#)
    }

    #[test]
    fn headers_of_one_key_are_compared_except_for_oiat() {
        let last = clerks("1700000000");
        for (oiat, expected) in [
            ("1700000000", true),
            ("1700000001", true),
            ("9999999999", true),
            ("1000000000", true),
            ("0700000000", false),
            ("170000000", false),
            ("17000000000", false),
            ("170000000.", false),
            ("17000000.0", false),
            ("1700000e10", false),
            ("-170000000", false),
            (" 170000000", false),
            ("17000000 0", false),
            ("170000000 ", false),
            ("\"17000000\"", false),
            ("170000000/", false),
            ("170000000:", false),
            ("1,\"oiat\":1", false),
        ] {
            let text = clerks(oiat);
            let (read, is_compared) = read_after(&last, text.as_bytes());
            assert_eq!(is_compared, expected, "{text}");
            assert_eq!(read, parse(text.as_bytes()), "{text}");
        }
        let (read, is_compared) = read_after(&clerks("null"), clerks("null").as_bytes());
        assert_eq!((read, is_compared), (Ok((Some("ins_1".to_owned()), None)), true));
    }

    /// Tests headers whose digits are not those of `oiat` itself, or cannot be found simply.
    #[test]
    fn digits_elsewhere_are_not_taken_for_oiat() {
        for last in [
            r#"{"alg":"RS256","x":{"oiat":1700000000}}"#,
            r#"{"alg":"RS256","x":{"oiat":1700000000},"oiat" :1700000000}"#,
            r#"{"alg":"RS256","oiat":1,"x":{"oiat":1700000000}}"#,
            r#"{"alg":"RS256","x":{"oiat":1700000000},"oiat":1}"#,
            r#"{"alg":"RS256","x":{"oiat":1700000000},"\u006fiat":1}"#,
            r#"{"alg":"RS256","x":"\"oiat\":1700000000,","oiat":2}"#,
            r#"{"alg":"RS256","x":"oiat\":1700000000,"}"#,
            r#"{"alg":"RS256","oiat":-1700000000}"#,
            r#"{"alg":"RS256","oiat":1700000000.5}"#,
            r#"{"alg":"RS256","oiat":5.1700000000}"#,
            r#"{"alg":"RS256","oiat":1700000000000000000}"#,
        ] {
            let next = last.replace("17000000", "17000001");
            let (read, is_compared) = read_after(last, next.as_bytes());
            assert!(!is_compared, "{last}");
            assert_eq!(read, parse(next.as_bytes()), "{next}");
        }
    }

    #[test]
    fn long_header_is_read_whole() {
        for length in [100, MAX_COMPARED - 40, MAX_COMPARED, 4 * MAX_COMPARED] {
            let with = |oiat| {
                format!(
                    r#"{{"alg":"RS256","kid":"{}","oiat":{oiat}}}"#,
                    "k".repeat(length)
                )
            };
            let (last, next) = (with(1_700_000_000), with(1_700_000_001));
            let (read, is_compared) = read_after(&last, next.as_bytes());
            assert_eq!(read, parse(next.as_bytes()));
            assert_eq!(is_compared, next.len() <= MAX_COMPARED, "{}", next.len());
        }
    }

    /// Generates the members of a valid header; some have names like `oiat`, or values that resemble it.
    fn header() -> impl Strategy<Value = String> {
        let space = || prop_oneof![4 => Just(""), 1 => Just(" ")];
        let name = prop_oneof![
            4 => Just("oiat"),
            1 => prop::sample::select(&[r"oia\u0074", "xoiat", "oiatx", r#"\"oiat\":1,"#, "kid"][..]),
        ];
        let value = prop_oneof![
            6 => "[0-9]{1,3}|1[0-9]{9}|[1-9][0-9]{16,20}",
            1 => r"-?[0-9]{1,2}(\.[0-9]{1,2})?([eE][+-]?[0-9])?",
            1 => r#""(ins_[0-9]|oiat|\\"oiat\\":[0-9]{2},)""#,
            1 => r"null|\[[0-9]\]",
        ];
        let object = |members: Vec<String>| format!("{{{}}}", members.join(","));
        let member = (name, space(), space(), value, space())
            .prop_map(|(name, a, b, value, c)| format!(r#""{name}"{a}:{b}{value}{c}"#))
            .boxed();
        let nested = prop::collection::vec(member.clone(), 1..2)
            .prop_map(move |members| format!(r#""x":{}"#, object(members)));
        let members = prop_oneof![3 => member, 1 => nested];
        prop::collection::vec(members, 0..3).prop_map(move |mut members| {
            members.push(r#""alg":"RS256""#.to_owned());
            object(members)
        })
    }

    /// Changes one byte, or one digit.
    fn change(text: &str, at: prop::sample::Index, byte: u8, digit: bool) -> Vec<u8> {
        let mut text = text.as_bytes().to_vec();
        let places: Vec<usize> = (0..text.len())
            .filter(|at| !digit || text[*at].is_ascii_digit())
            .collect();
        let place = places[at.index(places.len())];
        text[place] = if digit { b'0' + byte % 10 } else { byte };
        text
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8_000) })]

        /// For any header that was verified last, the comparison reads the same values as the general parser.
        #[test]
        fn comparison_reads_what_the_parser_reads(
            last in prop_oneof![4 => header(), 1 => "1[0-9]{9}".prop_map(|oiat| clerks(&oiat))],
            other in prop::option::weighted(0.1, header()),
            at in any::<prop::sample::Index>(),
            byte in prop_oneof![2 => prop::sample::select(&b"\"\\,:{}[]-+.eE oiat0"[..]), 1 => any::<u8>()],
            digit in prop::bool::weighted(0.8),
        ) {
            let text = other.map_or_else(|| change(&last, at, byte, digit), String::into_bytes);
            prop_assert_eq!(read_after(&last, &text).0, parse(&text));
        }
    }
}
