//! A substring of the payload, stored as a byte range. The payload is kept anyway, so the range saves an allocation per
//! claim of a new token.

use std::sync::OnceLock;

/// A substring; empty unless it was taken from a payload.
#[derive(Debug)]
pub(super) enum PayloadSlice {
    /// Offset and length in bytes. A payload is shorter than its token, whose length fits into 16 bits.
    At(u16, u16),
    /// The text of a claim with escapes, which the payload does not contain unescaped.
    Unescaped(Box<str>),
}

impl PayloadSlice {
    pub(super) fn new(text: &str, payload: &str) -> Self {
        let start = text.as_ptr().addr().wrapping_sub(payload.as_ptr().addr());
        match (u16::try_from(start), u16::try_from(text.len())) {
            (Ok(at), Ok(length)) if start.saturating_add(text.len()) <= payload.len() => Self::At(at, length),
            _ => Self::Unescaped(text.into()),
        }
    }

    /// Returns the text, given the payload that contains it.
    pub(super) fn get<'a>(&'a self, payload: &'a str) -> &'a str {
        match self {
            Self::At(at, length) => {
                let at = usize::from(*at);
                payload.get(at..at + usize::from(*length)).unwrap_or_default()
            }
            Self::Unescaped(text) => text,
        }
    }
}

impl Default for PayloadSlice {
    fn default() -> Self {
        Self::At(0, 0)
    }
}

/// A value that is built from a slice on first use, and kept.
#[derive(Debug)]
pub(super) struct LazyValue<T> {
    claim: PayloadSlice,
    value: OnceLock<T>,
}

impl<T> LazyValue<T> {
    pub(super) fn new(claim: PayloadSlice) -> Self {
        Self {
            claim,
            value: OnceLock::new(),
        }
    }

    pub(super) fn claim<'a>(&'a self, payload: &'a str) -> &'a str {
        self.claim.get(payload)
    }

    pub(super) fn get<'a>(&'a self, payload: &'a str, make: impl FnOnce(&'a str) -> T) -> &'a T {
        self.value.get_or_init(|| make(self.claim.get(payload)))
    }
}

#[cfg(test)]
mod tests {
    use super::PayloadSlice;

    #[test]
    fn string_of_the_payload_is_not_copied() {
        let payload = r#"{"a":"é","b":""}"#.to_owned();
        for (text, is_copied) in [
            (&payload[6..8], false),
            (&payload[14..14], false),
            (&payload[..], false),
            ("é", true),
        ] {
            let slice = PayloadSlice::new(text, &payload);
            assert_eq!(matches!(slice, PayloadSlice::Unescaped(_)), is_copied, "{text}");
            assert_eq!(slice.get(&payload), text);
            // A payload that has moved is still the same payload.
            assert_eq!(slice.get(&payload.clone()), text);
        }
        assert_eq!(PayloadSlice::default().get(&payload), "");
    }

    #[test]
    fn string_outside_the_payload_is_copied() {
        let whole = "payload, and beside it";
        let payload = &whole[..8];
        for text in [&whole[8..], &whole[4..]] {
            assert_eq!(PayloadSlice::new(text, payload).get(payload), text);
        }
    }

    /// A payload beyond the range of 16 bits, in case the longest token ever grows.
    #[test]
    fn string_far_into_a_payload_is_copied() {
        let payload = "x".repeat(70_000);
        for text in [&payload[65_535..], &payload[65_536..], &payload[1..]] {
            assert_eq!(PayloadSlice::new(text, &payload).get(&payload), text);
        }
    }
}
