//! The publishable key: it identifies the instance, and whether the instance is in production.

use aws_lc_rs::digest;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding is optional in a publishable key.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Production or development.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Environment {
    Live,
    Test,
}

/// The content of `pk_test_…` or `pk_live_…`: the base64 of the Frontend API's host and a `$`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PublishableKey {
    pub(super) environment: Environment,
    /// The Frontend API's host.
    pub(super) host: String,
}

impl PublishableKey {
    pub(super) fn parse(key: &str) -> Option<Self> {
        let (environment, encoded) = match key.strip_prefix("pk_live_") {
            Some(encoded) => (Environment::Live, encoded),
            None => (Environment::Test, key.strip_prefix("pk_test_")?),
        };
        if encoded.contains('_') {
            return None;
        }
        let decoded = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
        let host = decoded.strip_suffix('$')?;
        let is_host = host.contains('.')
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        is_host.then(|| Self {
            environment,
            host: host.to_owned(),
        })
    }
}

/// Returns the suffix by which Clerk's front end names the cookies of this application. The suffix is the first eight
/// characters of the base64url SHA-1 of the key as written. The suffix keeps names apart, and is not a security
/// measure.
pub(crate) fn cookie_suffix(key: &str) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let mut suffix = URL_SAFE_NO_PAD.encode(hash);
    suffix.truncate(8);
    suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clerks_own_vectors() {
        for (key, expected) in [
            (
                "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk",
                Some((Environment::Test, "foo-bar-13.clerk.accounts.dev")),
            ),
            (
                "pk_live_ZmFrZS1jbGVyay10ZXN0LmNsZXJrLmFjY291bnRzLmRldiQ=",
                Some((Environment::Live, "fake-clerk-test.clerk.accounts.dev")),
            ),
            (
                "pk_test_Y2xlcmsuY2xlcmsuZGV2JA",
                Some((Environment::Test, "clerk.clerk.dev")),
            ),
            // No dot; text after the `$`; two of them.
            ("pk_live_aW52YWxpZGtleSQ=", None),
            ("pk_live_Y2xlcmsuY2xlcmsuZGV2JGV4dHJh", None),
            ("pk_live_Y2xlcmsuY2xlcmsuZGV2JCQ=", None),
            ("sk_test_Y2xlcmsuY2xlcmsuZGV2JA", None),
            ("pk_test_", None),
            ("", None),
        ] {
            let parsed = PublishableKey::parse(key);
            let parsed = parsed.as_ref().map(|key| (key.environment, key.host.as_str()));
            assert_eq!(parsed, expected, "{key}");
        }
    }

    #[test]
    fn clerks_own_cookie_suffixes() {
        for (key, suffix) in [
            (
                "pk_live_ZmFrZS1jbGVyay10ZXN0LmNsZXJrLmFjY291bnRzLmRldiQ=",
                "qReyu04C",
            ),
            ("pk_test_Y2xlcmsuY2xlcmsuZGV2JA", "QvfNY2dr"),
            (
                "pk_test_ZW5vdWdoLWFscGFjYS04Mi5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k",
                "jtYvyt_H",
            ),
            (
                "pk_test_eHh4eHh4LXhhYWFhYS1hYS5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k",
                "tZJdb-5s",
            ),
            ("pk_live_Y2xlcmsuY2xlcmsuZGV2JA", "1Z8AzTQD"),
            ("pk_live_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "MqCvchyS"),
            ("pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "vWCgMp3A"),
        ] {
            assert_eq!(cookie_suffix(key), suffix, "{key}");
        }
    }
}
