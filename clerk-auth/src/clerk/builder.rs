//! Builds the handle. Every configuration error is found before the first request.

use std::sync::Arc;
use std::time::Duration;

use super::error::ConfigurationError;
use super::handles;
use super::publishable_key::{PublishableKey, cookie_suffix};
use super::{Clerk, Inner};
use crate::deny_list::{DENIAL_LIFETIME, DenyList};
use crate::http::address::{is_safe, redacted};
#[cfg(feature = "jwks")]
use crate::http::client::safe_url;
use crate::http::origin::{is_issuer, is_origin};
use crate::time::{Clock, SystemClock};
use crate::token::{CookieNames, Expectations, Keys, Verifier};

/// Builds a [`Clerk`]. At least the publishable key or the issuer must be given. A later call of a method replaces the
/// earlier one. Authorized parties accumulate.
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::clerk::ConfigurationError;
///
/// let builder = Clerk::builder().publishable_key("pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk");
/// let error = builder.authorized_parties(["https://app.example.com/"]).build().unwrap_err();
/// // A slash at the end would never match, and every request would get 401; the builder rejects it.
/// assert!(matches!(error, ConfigurationError::AuthorizedParty(party) if party == "https://app.example.com/"));
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing happens until it is built"]
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
    api_url: Option<String>,
}

impl ClerkBuilder {
    /// Sets the instance's publishable key, which determines the issuer and the address of the keys.
    pub fn publishable_key(mut self, key: impl Into<String>) -> Self {
        self.publishable_key = Some(key.into());
        self
    }

    /// Sets the issuer, if it is not that of the publishable key: behind a proxy, or without a key.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the address of the JWKS document, if it is not `/.well-known/jwks.json` at the issuer.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks_url = Some(url.into());
        self
    }

    /// Sets the instance's public key in PEM. No key is fetched then.
    pub fn jwt_key(mut self, pem: impl Into<String>) -> Self {
        self.jwt_key = Some(pem.into());
        self
    }

    /// Adds origins whose tokens are accepted: the `azp` claim must be one of them, byte for byte. Without any, a
    /// token that was minted for another front end of the instance is accepted too.
    ///
    /// They are also the origins whose pages may send a session cookie with a request that changes something; see
    /// [`middleware`](crate::middleware#cookies-and-other-sites).
    pub fn authorized_parties<P: Into<String>>(mut self, parties: impl IntoIterator<Item = P>) -> Self {
        self.parties.extend(parties.into_iter().map(Into::into));
        self
    }

    /// Accepts sessions with a pending task, such as choosing an organization or setting up a second factor. By default
    /// such sessions count as signed out, as in Clerk's own SDKs. [`Session::is_pending`](crate::Session::is_pending)
    /// distinguishes them.
    pub fn accept_pending_sessions(mut self) -> Self {
        self.pending = true;
        self
    }

    /// Accepts session cookies on every request, whichever site's page sends it. Any page that a user visits can then
    /// act as that user (cross-site request forgery), unless another layer prevents it. See
    /// [`middleware`](crate::middleware#cookies-and-other-sites) for the default.
    ///
    /// ```
    /// use clerk_auth::{Clerk, clerk::ConfigurationError};
    ///
    /// /// For a server whose gateway checks a CSRF token.
    /// fn behind_gateway(publishable_key: &str) -> Result<Clerk, ConfigurationError> {
    ///     Clerk::builder().publishable_key(publishable_key).insecure_accept_cross_site_requests().build()
    /// }
    /// ```
    pub fn insecure_accept_cross_site_requests(mut self) -> Self {
        self.cross_site = true;
        self
    }

    /// Denies agents by default. Every handler and layer answers 403 with the code `agent_denied` if an agent, or an
    /// actor of an unrecognized kind, acts for the user. `#[authenticated(agent = "allow")]` lifts the default for one
    /// handler, [`Policy::ALLOWS_AGENTS`](crate::policy::Policy::ALLOWS_AGENTS) for a policy. [`Clerk::authenticate`]
    /// itself does not deny agents; see [`Session::actor`](crate::Session::actor).
    pub fn deny_agents(mut self) -> Self {
        self.agents_denied = true;
        self
    }

    /// Sets how long a ban, a deletion or the end of a session is kept: 28 hours by default. Tokens with a longer life
    /// are refused. Svix retries a delivery for 27 hours and 35 minutes. With a shorter lifetime, a delivery that
    /// arrives later can restore a ban that has been lifted.
    ///
    /// The life of a token runs from the time at which its claims were read
    /// ([`Session::claims_read_at`](crate::Session::claims_read_at)) to its expiry. Clerk's own tokens live for 60
    /// seconds; the Backend API mints longer ones on request (`expires_in_seconds`). A token that outlives the denials
    /// is refused with [`Refusal::LivesTooLong`](crate::token::Refusal::LivesTooLong).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = clerk_auth::Clerk::builder().denial_lifetime(Duration::from_secs(7 * 24 * 60 * 60));
    /// ```
    pub fn denial_lifetime(mut self, lifetime: Duration) -> Self {
        self.denial_lifetime = Some(lifetime);
        self
    }

    /// Accepts tokens that live longer than the [denial lifetime](Self::denial_lifetime). If the user was banned or
    /// deleted, or the session was ended, such a token is accepted again once the denial expires.
    pub fn insecure_accept_long_lived_tokens(mut self) -> Self {
        self.long_lived_tokens = true;
        self
    }

    /// Sets the clock, for tests; the default is the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets the Backend API's address from the environment. [`UserSync`](crate::UserSync) compares it with that of its
    /// client, so that the variable is not ignored.
    pub(super) fn api_url(mut self, url: Option<String>) -> Self {
        self.api_url = url;
        self
    }

    /// Builds the handle.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] describes the missing or malformed value. All checks run here, so no configuration error
    /// appears at the first request.
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
        // The path of the keys is appended to the issuer.
        if !is_safe(&issuer) || issuer.contains('?') {
            return Err(match issuer.contains(['"', '\'']) {
                true => ConfigurationError::Issuer(issuer),
                false => ConfigurationError::InsecureUrl(redacted(&issuer)),
            });
        }
        if !is_issuer(&issuer) {
            return Err(ConfigurationError::Issuer(issuer));
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
            Some(pem) => Keys::from_pem(pem).map_err(ConfigurationError::JwtKey)?,
            None => fetched(self.jwks_url.as_deref(), &issuer, &clock)?,
        };
        let denial_lifetime = self.denial_lifetime.unwrap_or(DENIAL_LIFETIME);
        let source = self.jwt_key.or(self.jwks_url).unwrap_or_default();
        let expectations = Expectations {
            issuer: issuer.as_str().into(),
            parties: self.parties.into_iter().map(Into::into).collect(),
            pending: self.pending,
            longest_life: (!self.long_lived_tokens).then_some(denial_lifetime),
        };
        let inner = Arc::new(Inner {
            verifier: Verifier::new(expectations, keys),
            accepts_cross_site: self.cross_site,
            cookies: self
                .publishable_key
                .map(|key| CookieNames::with_suffix(&cookie_suffix(&key)))
                .unwrap_or_default(),
            agents_denied: self.agents_denied,
            denied: DenyList::new(denial_lifetime),
            clock,
            api_url: self.api_url,
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
    Keys::from_jwks(address, Arc::clone(clock))
        .map_err(|error| ConfigurationError::HttpClient(error.to_string()))
}

#[cfg(not(feature = "jwks"))]
fn fetched(_: Option<&str>, _: &str, _: &Arc<dyn Clock>) -> Result<Keys, ConfigurationError> {
    Err(ConfigurationError::NoKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk";

    #[cfg(feature = "jwks")]
    #[test]
    fn unusable_address_is_rejected_at_build_time() {
        let keys = "https://clerk.example.com:port/jwks.json";
        let clerk = Clerk::builder().publishable_key(KEY).jwks_url(keys).build();
        let message = clerk.expect_err("no address").to_string();
        assert!(message.contains(keys), "{message}");
    }
}
