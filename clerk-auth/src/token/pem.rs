//! Reads a public key in PEM, in every spelling found in environment variables, as Clerk's own SDK does.
//!
//! Common spellings have the quotes of a tool, a single line, indented lines, line breaks as `\n` or `\r\n`, or no
//! armor at all. The SDK strips line breaks and armor (`packages/backend/src/tokens/keys.ts`) and decodes the rest.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::key_error::KeyError;

/// Copying often loses the padding, which is redundant.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const DASHES: &str = "-----";

/// Returns the DER of a `PUBLIC KEY`.
pub(super) fn public_key(text: &str) -> Result<Vec<u8>, KeyError> {
    // A value that was escaped twice has two backslashes.
    let text = ["\\\\r", "\\\\n", "\\r", "\\n", "\\t"]
        .iter()
        .fold(text.to_owned(), |text, escape| text.replace(escape, "\n"));
    // Some tools keep the quotes around the whole value; a JSON or YAML line ends with a comma.
    let around = |letter: char| letter.is_whitespace() || "\"'`,;\\\u{feff}".contains(letter);
    let body = without_armor(text.trim_matches(around))?;
    let base64: String = body
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '\\')
        .collect();
    if base64.is_empty() {
        return Err(KeyError::Pem);
    }
    let der = BASE64.decode(base64).map_err(|_| KeyError::Pem)?;
    // Without armor, only the content shows whether the text is a complete key.
    if text.contains(DASHES) || is_sequence(&der) {
        Ok(der)
    } else {
        Err(KeyError::Pem)
    }
}

/// Returns whether the bytes are one DER sequence with two length bytes (X.690, section 8.1.3), like every RSA key of
/// 2048 bits or more.
fn is_sequence(der: &[u8]) -> bool {
    matches!(der, [0x30, 0x82, high, low, rest @ ..] if rest.len() == usize::from(u16::from_be_bytes([*high, *low])))
}

/// Returns the text between the two lines of armor, or the whole text if there is no armor.
fn without_armor(text: &str) -> Result<&str, KeyError> {
    if !text.contains(DASHES) {
        return Ok(text);
    }
    let (before, rest) = text.split_once(DASHES).ok_or(KeyError::Pem)?;
    let (begin, rest) = rest.split_once(DASHES).ok_or(KeyError::Pem)?;
    let (body, rest) = rest.split_once(DASHES).ok_or(KeyError::Pem)?;
    let (end, after) = rest.split_once(DASHES).ok_or(KeyError::Pem)?;
    match (
        begin.trim().strip_prefix("BEGIN "),
        end.trim().strip_prefix("END "),
    ) {
        (Some(label), Some(_)) if label.ends_with("PRIVATE KEY") => Err(KeyError::Private),
        (Some("PUBLIC KEY"), Some("PUBLIC KEY")) if before.is_empty() && after.is_empty() => Ok(body),
        _ => Err(KeyError::Pem),
    }
}
