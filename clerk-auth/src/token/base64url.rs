//! The base64url of a token's parts (RFC 7515 section 2), without padding, and with exactly one encoding per value.
//!
//! Without vector instructions, decoding would take a quarter of the cost of a token, apart from its signature.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::sync::LazyLock;

use base64::engine::general_purpose::NO_PAD;
use base64::{DecodeSliceError, Engine};

use super::refusal::Refusal;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64URL: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64URL: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(super) fn decode(part: &[u8]) -> Result<Vec<u8>, Refusal> {
    // Not `decode`, because it needs zeroed memory, which is slow with common allocators.
    let mut bytes = Vec::with_capacity(base64::decoded_len_estimate(part.len()));
    BASE64URL
        .decode_vec(part, &mut bytes)
        .map_err(|_| Refusal::Malformed)?;
    Ok(bytes)
}

/// Decodes without an allocation. Returns `None` if the buffer may be too short.
pub(super) fn decode_into<'a>(part: &[u8], buffer: &'a mut [u8]) -> Option<Result<&'a [u8], Refusal>> {
    match BASE64URL.decode_slice(part, buffer) {
        Ok(length) => Some(Ok(&buffer[..length])),
        Err(DecodeSliceError::DecodeError(_)) => Some(Err(Refusal::Malformed)),
        Err(DecodeSliceError::OutputSliceTooSmall) => None,
    }
}

/// Decodes JSON text, which is UTF-8 (RFC 8259 section 8.1).
pub(super) fn decode_text(part: &[u8]) -> Result<String, Refusal> {
    String::from_utf8(decode(part)?).map_err(|_| Refusal::Malformed)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    /// Decodes a text without vector instructions.
    fn expected(part: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(part).ok()
    }

    /// Tests lengths with and without whole vectors, and with each remainder.
    #[test]
    fn each_byte_is_accepted_or_refused_in_each_place() {
        for length in [5, 64, 98, 131] {
            let part = URL_SAFE_NO_PAD.encode((0..length).collect::<Vec<u8>>());
            for at in 0..part.len() {
                for byte in 0..=127_u8 {
                    let mut changed = part.clone();
                    changed.replace_range(at..=at, char::from(byte).encode_utf8(&mut [0; 4]));
                    assert_eq!(decode(changed.as_bytes()).ok(), expected(&changed), "{changed:?}");
                }
            }
        }
    }

    #[test]
    fn text_is_utf8() {
        let decoded = |bytes: &[u8]| decode_text(URL_SAFE_NO_PAD.encode(bytes).as_bytes());
        assert_eq!(decoded("é".as_bytes()), Ok("é".to_owned()));
        assert_eq!(decoded(b"\xff"), Err(Refusal::Malformed));
        assert_eq!(decoded(&"é".as_bytes()[..1]), Err(Refusal::Malformed));
    }

    proptest! {
        #[test]
        fn vectors_accept_the_same(
            part in "[A-Za-z0-9_-]{0,300}",
            at in any::<prop::sample::Index>(),
            inserted in prop_oneof![Just("".to_owned()), "[=+/\n\r \u{0}é€]", any::<char>().prop_map(String::from)],
        ) {
            let mut part = part;
            part.insert_str(at.index(part.len() + 1), &inserted);
            prop_assert_eq!(decode(part.as_bytes()).ok(), expected(&part));
        }
    }
}
