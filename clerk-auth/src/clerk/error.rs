//! Configuration errors, each with the form to write instead.

use std::fmt;

use crate::http::address::redacted;
use crate::http::origin::{fault, meant_issuer, meant_origins};
use crate::token::KeyError;

/// An error in the configuration, which the operator corrects before the application starts. Each message names the
/// environment variable and shows the form of a correct value.
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::clerk::ConfigurationError;
///
/// /// Formats the last line of a `main` that fails to start.
/// fn advice(error: &ConfigurationError) -> String {
///     match error {
///         ConfigurationError::NoInstance => format!("{error}; without an account, run the stand-in"),
///         other => other.to_string(),
///     }
/// }
///
/// let error = Clerk::builder().publishable_key("pk_test_").build().unwrap_err();
/// assert!(advice(&error).starts_with("the publishable key (CLERK_PUBLISHABLE_KEY) is malformed"));
/// ```
///
/// `Debug` prints the same text as `Display`, so that `main` can return the error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Neither a publishable key nor an issuer was given.
    #[error(
        "no Clerk instance is configured: set CLERK_PUBLISHABLE_KEY, or give `publishable_key`; it looks like \
         `pk_test_…` and is in Clerk's dashboard under API keys"
    )]
    NoInstance,
    /// The publishable key is malformed.
    #[error(
        "the publishable key (CLERK_PUBLISHABLE_KEY) is malformed: it is `pk_test_` or `pk_live_` and the base64 of a \
         host, without quotes, as Clerk's dashboard shows it under API keys"
    )]
    PublishableKey,
    /// The secret key is malformed, or belongs to another environment, live or test, than the publishable key.
    #[error(
        "the secret key (CLERK_SECRET_KEY) does not go with the publishable key: one is `test`, the other `live`, or it \
         does not begin with `sk_test_` or `sk_live_`; write it without quotes"
    )]
    SecretKey,
    /// The PEM key cannot be used.
    #[error("the PEM key (CLERK_JWT_KEY) cannot be used: {0}")]
    JwtKey(KeyError),
    /// An issuer or JWKS address is not a safe URL.
    #[error(
        "the address `{0}` (`issuer`, CLERK_PROXY_URL, CLERK_API_URL or `jwks_url`) is not like `https://clerk.example.com`; \
         plain http is accepted for loopback only"
    )]
    InsecureUrl(String),
    /// No token has an issuer of this form, so every token would be refused.
    #[error(
        "no token names the issuer `{}` (`issuer` or CLERK_PROXY_URL), so each would be refused; {}",
        shown(.0), issuer_form(.0)
    )]
    Issuer(String),
    /// No browser sends an origin of this form, so every token would be refused.
    #[error(
        "the authorized parties `{}` (CLERK_AUTHORIZED_PARTIES or `authorized_parties`) would never match: {}; {}",
        shown(.0), fault(.0), parties_form(.0)
    )]
    AuthorizedParty(String),
    /// A variable that is set is not read, and the variable that was most likely intended is not set.
    #[error(
        "`{found}` is set, which clerk-auth does not read, and `{meant}` is not set: name the variable `{meant}`"
    )]
    Variable {
        /// The variable that is set.
        found: String,
        /// The variable that is read.
        meant: &'static str,
    },
    /// No PEM key is set, and keys cannot be fetched without the feature `jwks`.
    #[error("there is no PEM key: give `jwt_key` (CLERK_JWT_KEY), or enable the feature `jwks`")]
    NoKey,
    /// The HTTP client cannot be created.
    #[error("the HTTP client for Clerk's keys cannot be made: {0}")]
    HttpClient(String),
}

impl fmt::Debug for ConfigurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Formats a value for a message: on one line, and without what may be a secret in the wrong variable.
fn shown(value: &str) -> String {
    if ["sk_test_", "sk_live_", "whsec_", "PRIVATE KEY"]
        .iter()
        .any(|secret| value.contains(secret))
    {
        return "…".to_owned();
    }
    let mut line = String::new();
    for letter in value.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    redacted(&line)
}

fn parties_form(value: &str) -> String {
    let origins = meant_origins(value).unwrap_or_else(|| vec!["https://app.example.com".to_owned()]);
    format!(
        "write `CLERK_AUTHORIZED_PARTIES={}`, or `.authorized_parties([\"{}\"])`",
        origins.join(","),
        origins.join("\", \"")
    )
}

fn issuer_form(value: &str) -> String {
    match meant_issuer(value) {
        Some(issuer) => format!("write `{issuer}`"),
        None => "write an address like `https://clerk.example.com`, or that of the proxy: \
                 `https://app.example.com/__clerk`"
            .to_owned(),
    }
}
