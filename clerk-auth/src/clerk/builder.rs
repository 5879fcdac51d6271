//! Configuration of the handle: everything that can be wrong with it is found before the first request.

use std::sync::Arc;
use std::time::Duration;

use super::handles;
use super::publishable_key::{Environment, PublishableKey, cookie_suffix};
use super::{Clerk, Inner, Keys};
use crate::deny_list::{DENIAL_LIFETIME, DenyList};
use crate::http::address::{is_origin, is_safe, redacted};
#[cfg(feature = "jwks")]
use crate::http::client::safe_url;
use crate::time::{Clock, SystemClock};
use crate::token::CookieNames;
use crate::token::cache::VerifiedTokens;
use crate::token::header::LastHeader;
#[cfg(feature = "jwks")]
use crate::token::jwks::Jwks;
use crate::token::key::{KeyError, VerifyingKey};
use crate::token::verifier::Expectations;

/// What is wrong with the configuration: the operator's to mend, before the application starts. Each message names the
/// environment variable and says what a right value looks like.
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::clerk::ConfigurationError;
///
/// /// For the last line of a `main` that does not start.
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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Nothing says which instance's tokens to accept.
    #[error(
        "the Clerk instance is not known: set CLERK_PUBLISHABLE_KEY, or give `publishable_key`; it is like \
         `pk_test_…` and stands in Clerk's dashboard under API keys"
    )]
    NoInstance,
    /// The publishable key is none.
    #[error(
        "the publishable key (CLERK_PUBLISHABLE_KEY) is malformed: it is `pk_test_` or `pk_live_` and the base64 of a \
         host, as Clerk's dashboard shows it under API keys"
    )]
    PublishableKey,
    /// The secret key is none, or of another kind of instance than the publishable key.
    #[error(
        "the secret key (CLERK_SECRET_KEY) does not go with the publishable key: one is `test`, the other `live`, or it \
         does not begin with `sk_test_` or `sk_live_`"
    )]
    SecretKey,
    /// The PEM key cannot be used.
    #[error("the PEM key (CLERK_JWT_KEY) cannot be used: {0}")]
    JwtKey(#[from] KeyError),
    /// An issuer or JWKS address is not a safe URL.
    #[error(
        "the address `{0}` (`issuer` or `jwks_url`) is not like `https://clerk.example.com`; plain http is accepted for \
         loopback only"
    )]
    InsecureUrl(String),
    /// An authorized party is not an origin.
    #[error(
        "the authorized party `{0}` (CLERK_AUTHORIZED_PARTIES) is not an origin, and would never match; it is like \
         `https://app.example.com`, without a path or a slash at the end"
    )]
    AuthorizedParty(String),
    /// There is no PEM key, and keys cannot be fetched without the feature `jwks`.
    #[error("there is no PEM key: give `jwt_key` (CLERK_JWT_KEY), or enable the feature `jwks`")]
    NoKey,
    /// The HTTP client cannot be made.
    #[error("the HTTP client for Clerk's keys cannot be made: {0}")]
    HttpClient(String),
}

/// Builds a [`Clerk`]. At least the publishable key or the issuer must be given.
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::clerk::ConfigurationError;
///
/// let builder = Clerk::builder().publishable_key("pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk");
/// let error = builder.authorized_parties(["https://app.example.com/"]).build().unwrap_err();
/// // A slash at the end would never match, and is found here instead of in everybody's 401.
/// assert!(matches!(error, ConfigurationError::AuthorizedParty(party) if party == "https://app.example.com/"));
/// ```
#[derive(Debug, Default)]
pub struct ClerkBuilder {
    publishable_key: Option<String>,
    issuer: Option<String>,
    jwks_url: Option<String>,
    jwt_key: Option<String>,
    parties: Vec<String>,
    pending: bool,
    cross_site: bool,
    agents_denied: bool,
    denial_lifetime: Option<Duration>,
    long_lived_tokens: bool,
    clock: Option<Arc<dyn Clock>>,
}

impl ClerkBuilder {
    /// The instance's publishable key: it names the issuer, and the address of the keys.
    #[must_use]
    pub fn publishable_key(mut self, key: impl Into<String>) -> Self {
        self.publishable_key = Some(key.into());
        self
    }

    /// The issuer, where it is not that of the publishable key: behind a proxy, or without one.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The address of the JWKS document, where it is not `/.well-known/jwks.json` at the issuer.
    #[must_use]
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks_url = Some(url.into());
        self
    }

    /// The instance's public key in PEM. No key is fetched then.
    #[must_use]
    pub fn jwt_key(mut self, pem: impl Into<String>) -> Self {
        self.jwt_key = Some(pem.into());
        self
    }

    /// The origins whose tokens are accepted: the `azp` claim must be one of them, byte for byte. Without any, a token
    /// that was minted for another front end of the instance is accepted too.
    ///
    /// They are also the origins whose pages may send a session cookie with a request that changes something; see
    /// [`middleware`](crate::middleware#cookies-and-other-sites).
    #[must_use]
    pub fn authorized_parties<P: Into<String>>(mut self, parties: impl IntoIterator<Item = P>) -> Self {
        self.parties.extend(parties.into_iter().map(Into::into));
        self
    }

    /// Accepts sessions with a task still to be done, such as choosing an organization or setting up a second factor;
    /// without it they are refused like those of nobody, as in Clerk's own SDKs.
    /// [`Session::is_pending`](crate::Session::is_pending) tells them apart.
    #[must_use]
    pub fn accept_pending_sessions(mut self) -> Self {
        self.pending = true;
        self
    }

    /// Accepts session cookies on every request, whichever site's page sends it. Any page that a user visits can then
    /// act as that user (cross-site request forgery), unless something in front of the application prevents it. See
    /// [`middleware`](crate::middleware#cookies-and-other-sites) for what is refused by default.
    ///
    /// ```
    /// use clerk_auth::{Clerk, clerk::ConfigurationError};
    ///
    /// /// For a server whose gateway checks a CSRF token.
    /// fn behind_gateway(publishable_key: &str) -> Result<Clerk, ConfigurationError> {
    ///     Clerk::builder().publishable_key(publishable_key).insecure_accept_cross_site_requests().build()
    /// }
    /// ```
    #[must_use]
    pub fn insecure_accept_cross_site_requests(mut self) -> Self {
        self.cross_site = true;
        self
    }

    /// Denies agents by default: every handler and layer answers 403 with the code `agent_denied` if an agent, or an actor
    /// of a kind that is not known, acts for the user. `#[authenticated(agent = "allow")]` lifts the default for one handler,
    /// [`Policy::ALLOWS_AGENTS`](crate::policy::Policy::ALLOWS_AGENTS) for a policy. [`Clerk::authenticate`] itself denies
    /// nobody; see [`Session::actor`](crate::Session::actor).
    #[must_use]
    pub fn deny_agents(mut self) -> Self {
        self.agents_denied = true;
        self
    }

    /// For how long a ban, a deletion or the end of a session is remembered, and how long a token may live at most: 28 hours
    /// by default. Svix retries a delivery for 27 hours and 35 minutes; with a shorter lifetime a delivery that was delayed
    /// for longer can bring back a ban that was lifted meanwhile.
    ///
    /// The life of a token is counted from the moment at which its claims were read
    /// ([`Session::claims_read_at`](crate::Session::claims_read_at)) to its expiry. Clerk's own tokens live for 60 seconds;
    /// the Backend API mints longer ones on request (`expires_in_seconds`). A token that lives longer than bans are
    /// remembered is refused with [`Refusal::LivesTooLong`](crate::token::Refusal::LivesTooLong).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = clerk_auth::Clerk::builder().denial_lifetime(Duration::from_secs(7 * 24 * 60 * 60));
    /// ```
    #[must_use]
    pub fn denial_lifetime(mut self, lifetime: Duration) -> Self {
        self.denial_lifetime = Some(lifetime);
        self
    }

    /// Accepts tokens that live longer than the [denial lifetime](Self::denial_lifetime). Such a token of a user who was
    /// banned or deleted, or of a session that was ended, is accepted again once the denial is forgotten.
    #[must_use]
    pub fn insecure_accept_long_lived_tokens(mut self) -> Self {
        self.long_lived_tokens = true;
        self
    }

    /// The clock; that of the operating system unless a test says otherwise.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    pub(super) fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigurationError> {
        let variable = |name: &str| {
            variable(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let publishable_key = variable("CLERK_PUBLISHABLE_KEY").ok_or(ConfigurationError::NoInstance)?;
        let environment = PublishableKey::parse(&publishable_key)
            .ok_or(ConfigurationError::PublishableKey)?
            .environment;
        if let Some(secret_key) = variable("CLERK_SECRET_KEY") {
            let prefix = match environment {
                Environment::Live => "sk_live_",
                Environment::Test => "sk_test_",
            };
            if !secret_key.starts_with(prefix) {
                return Err(ConfigurationError::SecretKey);
            }
        }
        let given = variable("CLERK_AUTHORIZED_PARTIES").unwrap_or_default();
        let parties: Vec<&str> = given
            .split(',')
            .map(str::trim)
            .filter(|party| !party.is_empty())
            .collect();
        // A list of nothing but commas was not meant to accept everybody.
        if parties.is_empty() && !given.is_empty() {
            return Err(ConfigurationError::AuthorizedParty(given));
        }
        let builder = Self::default()
            .publishable_key(publishable_key)
            .authorized_parties(parties);
        Ok(match variable("CLERK_JWT_KEY") {
            Some(pem) => builder.jwt_key(pem),
            None => builder,
        })
    }

    /// The handle.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] says what is missing or malformed; nothing is left to fail at the first request.
    pub fn build(self) -> Result<Clerk, ConfigurationError> {
        let instance = match &self.publishable_key {
            Some(key) => Some(PublishableKey::parse(key).ok_or(ConfigurationError::PublishableKey)?),
            None => None,
        };
        let issuer = match (&self.issuer, instance) {
            (Some(issuer), _) => issuer.trim_end_matches('/').to_owned(),
            (None, Some(instance)) => format!("https://{}", instance.host),
            (None, None) => return Err(ConfigurationError::NoInstance),
        };
        // The path of the keys is appended to it.
        if !is_safe(&issuer) || issuer.contains('?') {
            return Err(ConfigurationError::InsecureUrl(redacted(&issuer)));
        }
        for party in &self.parties {
            if !is_origin(party) {
                return Err(ConfigurationError::AuthorizedParty(party.clone()));
            }
        }
        if self.parties.is_empty() {
            tracing::warn!(
                issuer,
                "no authorized parties are configured: tokens that other front ends of the Clerk instance obtained are \
                 accepted too; set CLERK_AUTHORIZED_PARTIES or `authorized_parties`"
            );
        }
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let keys = match &self.jwt_key {
            Some(pem) => Keys::Pem(Arc::new(VerifyingKey::from_pem(pem)?)),
            None => fetched(self.jwks_url.as_deref(), &issuer, &clock)?,
        };
        let denial_lifetime = self.denial_lifetime.unwrap_or(DENIAL_LIFETIME);
        let source = self.jwt_key.or(self.jwks_url).unwrap_or_default();
        let inner = Arc::new(Inner {
            expectations: Expectations {
                issuer: issuer.as_str().into(),
                parties: self.parties.into_iter().map(Into::into).collect(),
                pending: self.pending,
                longest_life: (!self.long_lived_tokens).then_some(denial_lifetime),
            },
            accepts_cross_site: self.cross_site,
            cookies: self
                .publishable_key
                .map(|key| CookieNames::with_suffix(&cookie_suffix(&key)))
                .unwrap_or_default(),
            keys,
            header: LastHeader::default(),
            verified: VerifiedTokens::new(),
            agents_denied: self.agents_denied,
            denied: DenyList::new(denial_lifetime),
            clock,
        });
        if handles::remember(&issuer, &source, Arc::downgrade(&inner)) {
            tracing::warn!(
                issuer,
                "this process has another `Clerk` of this instance, and what one of them denies the other does not: build \
                 one and clone it"
            );
        }
        Ok(Clerk(inner))
    }
}

#[cfg(feature = "jwks")]
fn fetched(url: Option<&str>, issuer: &str, clock: &Arc<dyn Clock>) -> Result<Keys, ConfigurationError> {
    let url = url.map_or_else(|| format!("{issuer}/.well-known/jwks.json"), str::to_owned);
    let address = safe_url(&url).ok_or_else(|| ConfigurationError::InsecureUrl(redacted(&url)))?;
    let jwks = Jwks::new(address, Arc::clone(clock))
        .map_err(|error| ConfigurationError::HttpClient(error.to_string()))?;
    Ok(Keys::Jwks(Arc::new(jwks)))
}

#[cfg(not(feature = "jwks"))]
fn fetched(_: Option<&str>, _: &str, _: &Arc<dyn Clock>) -> Result<Keys, ConfigurationError> {
    Err(ConfigurationError::NoKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk";

    fn from(variables: &[(&str, &str)]) -> Result<Clerk, ConfigurationError> {
        ClerkBuilder::from_variables(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        })?
        .build()
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
        ] {
            let message = from(variables).expect_err(part).to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[cfg(feature = "jwks")]
    #[test]
    fn an_address_that_cannot_be_fetched_does_not_wait_for_the_first_request() {
        let keys = "https://clerk.example.com:port/jwks.json";
        let clerk = Clerk::builder().publishable_key(KEY).jwks_url(keys).build();
        let message = clerk.expect_err("no address").to_string();
        assert!(message.contains(keys), "{message}");
    }
}
