//! Reads the configuration from environment variables, and names those that would be ignored.

use std::collections::BTreeMap;

use super::builder::ClerkBuilder;
use super::error::ConfigurationError;
use super::publishable_key::{Environment, PublishableKey};
use super::variables::{self, Ignored};
use crate::http::address::{is_safe, redacted};
use crate::http::origin::{is_issuer, is_origin};

/// The environment variables that may concern this library: those with `CLERK`, or a similar word, in the name.
#[derive(Debug)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(crate) fn of_process() -> Self {
        // Invalid Unicode is replaced, so that the check of the variable refuses the value by name.
        std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect()
    }

    /// Returns the trimmed value; `None` if the variable is not set, or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Logs every variable that seems to configure this library, but does not.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError::Variable`] for a misspelt variable that start-up requires, or without which more tokens
    /// are accepted than the operator intended.
    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        let ignored = self.names().filter_map(|name| {
            variables::ignored(name, self.0[name].as_str(), |name| self.get(name).is_some())
        });
        for ignored in ignored {
            match ignored {
                Ignored::Unsupported { name, reason } => tracing::warn!(
                    variable = name,
                    "{name} is set, which clerk-auth {} does not support: {reason}",
                    env!("CARGO_PKG_VERSION")
                ),
                Ignored::Misspelt { name, meant, refused } if !refused => tracing::warn!(
                    variable = name,
                    "{name} is set, which clerk-auth does not read; did you mean {meant}?"
                ),
                Ignored::Misspelt { name, meant, .. } => {
                    return Err(ConfigurationError::Variable {
                        found: name.to_owned(),
                        meant,
                    });
                }
            }
        }
        Ok(())
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name, value.trim().to_owned()))
            .filter(|(_, value)| !value.is_empty());
        Self(variables.collect())
    }
}

impl ClerkBuilder {
    pub(super) fn from_variables(variables: &Variables) -> Result<Self, ConfigurationError> {
        variables.check()?;
        let publishable_key = variables
            .get("CLERK_PUBLISHABLE_KEY")
            .ok_or_else(|| no_instance(variables))?;
        let environment = PublishableKey::parse(publishable_key)
            .ok_or(ConfigurationError::PublishableKey)?
            .environment;
        if let Some(secret_key) = variables.get("CLERK_SECRET_KEY") {
            let prefix = match environment {
                Environment::Live => "sk_live_",
                Environment::Test => "sk_test_",
            };
            if !secret_key.starts_with(prefix) {
                return Err(ConfigurationError::SecretKey);
            }
        }
        let mut builder = Self::default()
            .publishable_key(publishable_key)
            .authorized_parties(parties(variables)?);
        if let Some(proxy) = variables.get("CLERK_PROXY_URL") {
            if !is_issuer(proxy.trim_end_matches('/')) && !is_insecure(proxy) {
                return Err(ConfigurationError::Issuer(proxy.to_owned()));
            }
            builder = builder.issuer(proxy);
        }
        if let Some(url) = variables.get("CLERK_API_URL") {
            if !is_safe(url) {
                return Err(ConfigurationError::InsecureUrl(redacted(url)));
            }
            builder = builder.api_url(Some(url.to_owned()));
        }
        Ok(match variables.get("CLERK_JWT_KEY") {
            Some(pem) => builder.jwt_key(pem),
            None => builder,
        })
    }
}

/// Names the front end's variable if one holds the key that the back end lacks.
fn no_instance(variables: &Variables) -> ConfigurationError {
    let meant = "CLERK_PUBLISHABLE_KEY";
    let front_end = variables.names().find(|name| {
        name.strip_suffix(meant)
            .is_some_and(|prefix| prefix.ends_with('_'))
    });
    front_end.map_or(ConfigurationError::NoInstance, |found| {
        ConfigurationError::Variable {
            found: found.to_owned(),
            meant,
        }
    })
}

/// Returns whether a URL is complete, but unencrypted or with a password.
fn is_insecure(url: &str) -> bool {
    !is_safe(url) && url.contains("://")
}

/// Returns the origins of the comma-separated list. Empty elements are skipped, such as one after a trailing comma. A
/// list of only empty elements is an error, because it would accept every origin.
fn parties(variables: &Variables) -> Result<Vec<String>, ConfigurationError> {
    let Some(given) = variables.get("CLERK_AUTHORIZED_PARTIES") else {
        return Ok(Vec::new());
    };
    let parties: Vec<String> = given
        .split(',')
        .map(|party| party.trim().to_owned())
        .filter(|party| !party.is_empty())
        .collect();
    if parties.is_empty() || !parties.iter().all(|party| is_origin(party)) {
        // The error contains the whole list, because its remedy is the whole list.
        return Err(ConfigurationError::AuthorizedParty(given.to_owned()));
    }
    Ok(parties)
}

#[cfg(all(test, feature = "testing", feature = "jwks"))]
mod tests {
    use super::*;
    use crate::Clerk;
    use crate::testing::Issuer;

    const KEY: &str = "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk";

    fn from(variables: &[(&str, &str)]) -> Result<Clerk, ConfigurationError> {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ClerkBuilder::from_variables(&variables.collect())?.build()
    }

    fn with(name: &str, value: &str) -> Result<Clerk, ConfigurationError> {
        from(&[("CLERK_PUBLISHABLE_KEY", KEY), (name, value)])
    }

    #[test]
    fn each_mistake_names_its_variable() {
        for (variables, part) in [
            (&[][..], "CLERK_PUBLISHABLE_KEY"),
            (&[("CLERK_PUBLISHABLE_KEY", "  ")], "CLERK_PUBLISHABLE_KEY"),
            (&[("CLERK_PUBLISHABLE_KEY", "pk_test_x")], "CLERK_PUBLISHABLE_KEY"),
            (
                &[("CLERK_PUBLISHABLE_KEY", KEY), ("CLERK_SECRET_KEY", "sk_live_x")],
                "CLERK_SECRET_KEY",
            ),
            (
                &[("CLERK_PUBLISHABLE_KEY", KEY), ("CLERK_SECRET_KEY", "x")],
                "CLERK_SECRET_KEY",
            ),
            (
                &[
                    ("CLERK_PUBLISHABLE_KEY", KEY),
                    ("CLERK_SECRET_KEY", "\"sk_test_x\""),
                ],
                "without quotes",
            ),
            (
                &[("CLERK_PUBLISHABLE_KEY", KEY), ("CLERK_JWT_KEY", "x")],
                "CLERK_JWT_KEY",
            ),
            (
                &[
                    ("CLERK_PUBLISHABLE_KEY", KEY),
                    ("CLERK_AUTHORIZED_PARTIES", "https://a.example,https://b.example/"),
                ],
                "CLERK_AUTHORIZED_PARTIES",
            ),
            (
                &[
                    ("CLERK_PUBLISHABLE_KEY", KEY),
                    ("CLERK_AUTHORIZED_PARTIES", " , "),
                ],
                "CLERK_AUTHORIZED_PARTIES",
            ),
            (
                &[("VITE_CLERK_PUBLISHABLE_KEY", KEY)],
                "name the variable `CLERK_PUBLISHABLE_KEY`",
            ),
            (
                &[
                    ("CLERK_PUBLISHABLE_KEY", KEY),
                    ("CLERK_AUTHORISED_PARTIES", "https://a.example"),
                ],
                "name the variable `CLERK_AUTHORIZED_PARTIES`",
            ),
            (
                &[
                    ("CLERK_PUBLISHABLE_KEY", KEY),
                    ("CLERK_API_URL", "http://api.example.com"),
                ],
                "CLERK_API_URL",
            ),
            (
                &[
                    ("CLERK_PUBLISHABLE_KEY", KEY),
                    ("CLERK_PROXY_URL", "http://app.example.com/__clerk"),
                ],
                "plain http",
            ),
        ] {
            let message = from(variables).expect_err(part).to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn parties_that_never_match_are_answered_with_the_form_to_write() {
        let two = "https://a.example,https://b.example";
        for (value, form) in [
            (r#"["http://localhost:3000"]"#, "http://localhost:3000"),
            (r#"["https://a.example","https://b.example"]"#, two),
            ("[https://a.example, https://b.example]", two),
            (r#""https://a.example,https://b.example""#, two),
            ("'https://a.example', 'https://b.example'", two),
            ("https://a.example;https://b.example", two),
            ("https://a.example https://b.example", two),
            ("https://a.example\nhttps://b.example", two),
            ("- https://a.example\n- https://b.example/", two),
            ("https://a.example/,https://b.example/sign-in", two),
            ("https://a.example;", "https://a.example"),
            ("https://A.example:443", "https://a.example"),
            ("a.example", "https://a.example"),
            ("https://*.a.example", "https://app.example.com"),
            ("*", "https://app.example.com"),
            ("http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"),
            ("https://a.example,[]", "https://a.example"),
        ] {
            let error = with("CLERK_AUTHORIZED_PARTIES", value).expect_err(value);
            let message = error.to_string();
            assert!(
                matches!(error, ConfigurationError::AuthorizedParty(_)),
                "{value}: {message}"
            );
            let expected = format!("write `CLERK_AUTHORIZED_PARTIES={form}`");
            assert!(message.contains(&expected), "{value}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
        for value in [
            two,
            " https://a.example ,\thttps://b.example,",
            "https://a.example,\nhttps://b.example\n",
        ] {
            with("CLERK_AUTHORIZED_PARTIES", value).expect(value);
        }
        let secret = with("CLERK_AUTHORIZED_PARTIES", "sk_test_oops").expect_err("a secret");
        assert!(!secret.to_string().contains("oops"), "{secret}");
    }

    #[test]
    fn proxy_is_the_issuer() {
        for (value, issuer) in [
            (
                "https://app.example.com/__clerk",
                "https://app.example.com/__clerk",
            ),
            (
                "https://app.example.com/__clerk/",
                "https://app.example.com/__clerk",
            ),
            ("http://127.0.0.1:3000/__clerk", "http://127.0.0.1:3000/__clerk"),
        ] {
            let clerk = with("CLERK_PROXY_URL", value).expect(value);
            assert_eq!(clerk.issuer(), issuer);
        }
        for (value, part) in [
            ("/__clerk", "CLERK_PROXY_URL"),
            (
                "https://App.example.com/__clerk",
                "write `https://app.example.com/__clerk`",
            ),
            (
                "\"https://app.example.com/__clerk\"",
                "write `https://app.example.com/__clerk`",
            ),
            ("https://app.example.com/__clerk/*", "CLERK_PROXY_URL"),
            ("https://a.example/x,https://b.example/x", "CLERK_PROXY_URL"),
        ] {
            let message = with("CLERK_PROXY_URL", value).expect_err(value).to_string();
            assert!(message.contains(part), "{value}: {message}");
        }
    }

    #[test]
    fn pem_key_is_read_in_every_spelling() {
        let issuer = Issuer::new("https://clerk.example.com");
        let pem = issuer.public_key_pem();
        let pem = pem.trim();
        let lines: Vec<&str> = pem.lines().collect();
        let bare = lines[1..lines.len() - 1].join("\n");
        for spelling in [
            pem.to_owned(),
            format!("\"{pem}\""),
            format!("'{pem}'\n"),
            format!("\"{pem}\","),
            format!("\n\n{pem}\n\n"),
            lines.join("\r\n"),
            lines.join("\\n"),
            format!("\"{}\\n\"", lines.join("\\n")),
            lines.join("\\r\\n"),
            lines.join("\\\\n"),
            lines.join("\\\n"),
            lines.join(" "),
            lines.join(""),
            lines.join("\n    "),
            lines.join("\n\n"),
            bare.clone(),
            bare.replace('\n', ""),
            bare.replace('\n', "\\n"),
            format!("'{}'", bare.replace('\n', "\n\t")),
            format!("\u{feff}{pem}"),
        ] {
            let error = with("CLERK_JWT_KEY", &spelling).err();
            assert!(error.is_none(), "{spelling}: {error:?}");
        }
        for broken in [
            bare[..bare.len() / 2].to_owned(),
            lines[..lines.len() - 1].join("\n"),
            lines[1..].join("\n"),
            format!("{pem}\n{pem}"),
            pem.replace("PUBLIC", "PRIVATE"),
            pem.replacen('M', "é", 1),
            KEY.to_owned(),
        ] {
            let message = with("CLERK_JWT_KEY", &broken).expect_err(&broken).to_string();
            assert!(message.contains("CLERK_JWT_KEY"), "{message}");
            assert!(!message.contains(&bare[..20]), "{message}");
        }
    }
}
