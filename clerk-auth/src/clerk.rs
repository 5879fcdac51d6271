//! `Clerk`: the handle that authenticates requests.

mod authentication_error;
mod builder;
mod cross_site;
mod environment;
mod error;
mod handles;
mod publishable_key;
mod variables;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::request::Parts;

pub use authentication_error::AuthenticationError;
pub use builder::ClerkBuilder;
pub(crate) use environment::Variables;
pub use error::ConfigurationError;
#[cfg(feature = "dev")]
pub(crate) use publishable_key::cookie_suffix;

use crate::deny_list::{Denial, DenyList, Effect, Key, Subject};
use crate::id::{OrganizationId, SessionId, UserId};
use crate::metrics;
use crate::session::{Correction, Session};
use crate::time::{Clock, Timestamp};
use crate::token::{CookieNames, Refusal, Verifier, credential};

/// Verifies session tokens of one Clerk instance; put it into the application's state. Cloning is cheap.
///
/// ```
/// # #[cfg(feature = "jwks")] {
/// use clerk_auth::Clerk;
///
/// let clerk = Clerk::builder()
///     .publishable_key("pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk")
///     .authorized_parties(["https://app.example.com"])
///     .build()?;
/// assert_eq!(clerk.issuer(), "https://foo-bar-13.clerk.accounts.dev");
/// # }
/// # Ok::<(), clerk_auth::clerk::ConfigurationError>(())
/// ```
#[derive(Clone)]
pub struct Clerk(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    /// True if a session cookie is accepted on a request that another site may have made.
    accepts_cross_site: bool,
    cookies: CookieNames,
    agents_denied: bool,
    denied: DenyList,
    clock: Arc<dyn Clock>,
    /// `CLERK_API_URL`, if the handle was built from the environment.
    #[cfg_attr(
        not(feature = "backend-api"),
        expect(dead_code, reason = "nothing asks the Backend API")
    )]
    api_url: Option<String>,
}

/// The `Retry-After` while the database's denials are unknown: sync reads them once a second.
const DENIALS_RETRY: Duration = Duration::from_secs(1);

/// A verified session, and the way its token arrived.
pub(crate) struct Authentication {
    pub(crate) session: Session,
    /// True if the token arrived by cookie: browsers send cookies with the requests of any site.
    pub(crate) came_by_cookie: bool,
}

impl Clerk {
    /// Starts a handle from its parts.
    pub fn builder() -> ClerkBuilder {
        ClerkBuilder::default()
    }

    /// Builds a handle from environment variables. An empty variable counts as not set.
    ///
    /// | variable | |
    /// |---|---|
    /// | `CLERK_PUBLISHABLE_KEY` | required; names the instance |
    /// | `CLERK_AUTHORIZED_PARTIES` | origins, separated by commas, such as `https://app.example.com,http://localhost:3000` |
    /// | `CLERK_SECRET_KEY` | must belong to the same environment, live or test |
    /// | `CLERK_JWT_KEY` | the public key in PEM, with or without quotes, on one line or several; replaces fetching keys |
    /// | `CLERK_PROXY_URL` | the address of a proxy of the Frontend API, which is then the issuer |
    /// | `CLERK_API_URL` | the address of the Backend API, for `BackendApi::from_env` |
    ///
    /// Logs a warning for each other Clerk variable, because it has no effect here, and for each misspelt variable. If
    /// `CLERK_AUTHORIZED_PARTIES` or `CLERK_PUBLISHABLE_KEY` is not set, a misspelling of its name is an error.
    ///
    /// ```no_run
    /// let clerk = clerk_auth::Clerk::from_env()?;
    /// # Ok::<(), clerk_auth::clerk::ConfigurationError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] names the variable and describes a valid value.
    pub fn from_env() -> Result<Self, ConfigurationError> {
        ClerkBuilder::from_variables(&Variables::of_process())?.build()
    }

    /// Returns the Backend API's address from the environment, if any.
    #[cfg(feature = "backend-api")]
    pub(crate) fn api_url(&self) -> Option<&str> {
        self.0.api_url.as_deref()
    }

    /// Returns the origin of the instance's Frontend API, the `iss` of every token.
    pub fn issuer(&self) -> &str {
        &self.0.verifier.expectations().issuer
    }

    /// Returns whether both are clones of one handle.
    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns whether agents are denied unless a policy allows them.
    pub(crate) fn denies_agents(&self) -> bool {
        self.0.agents_denied
    }

    /// Returns whether a JWKS document contains a key that this handle accepts, that is, whether it is of the same
    /// instance.
    #[cfg(feature = "backend-api")]
    pub(crate) async fn accepts_keys_of(
        &self,
        jwks: &serde_json::Value,
    ) -> Result<bool, AuthenticationError> {
        Ok(self.0.verifier.accepts_keys_of(jwks).await?)
    }

    /// Returns the current time of the handle's clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Refuses the unexpired tokens of a session from now on. Call it for a session that has ended, as Clerk's webhooks
    /// `session.ended`, `session.removed` and `session.revoked` report.
    ///
    /// The denial lives for the [denial lifetime](ClerkBuilder::denial_lifetime), which no token outlives. Only this
    /// process has the denial, and loses it at exit. A webhook receiver (`routing::webhooks`) reaches every process.
    ///
    /// ```
    /// use clerk_auth::{Clerk, id::SessionId};
    ///
    /// fn session_ended(clerk: &Clerk, session: &SessionId) {
    ///     clerk.deny_session(session);
    /// }
    /// ```
    pub fn deny_session(&self, session: &SessionId) {
        let now = self.now();
        self.deny(Denial {
            subject: Subject::Session(session.clone()),
            effect: Effect::Bars(Refusal::SessionEnded),
            version: i64::MAX,
            happened_at: now,
            expires_at: now + self.0.denied.lifetime(),
        });
    }

    /// Ends a membership for all unexpired tokens whose claims were read up to now. Clerk's webhook
    /// `organizationMembership.deleted` has the same effect.
    ///
    /// Such tokens have no [organization](Session::organization) from now on, and remain valid otherwise. Call this
    /// method after Clerk has confirmed the removal, because it does not affect tokens whose claims are read later.
    /// Only this process has the denial, for the [denial lifetime](ClerkBuilder::denial_lifetime), and loses it at
    /// exit. [`UserSync::end_membership`](crate::UserSync::end_membership) and a webhook receiver (`routing::webhooks`)
    /// reach every process.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use axum::http::{HeaderMap, header::AUTHORIZATION};
    /// use clerk_auth::id::{OrganizationId, UserId};
    /// use clerk_auth::testing::Issuer;
    ///
    /// let issuer = Issuer::new("https://clerk.example.com");
    /// let clerk = issuer.clerk();
    /// let token = issuer.token("user_ada").organization("org_1", "org:admin").sign();
    /// let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse()?)]);
    /// assert!(clerk.authenticate(&headers).await?.has_role("org:admin"));
    ///
    /// clerk.deny_membership(&UserId::new("user_ada"), &OrganizationId::new("org_1"));
    /// let session = clerk.authenticate(&headers).await?;
    /// assert!(session.organization().is_none() && session.has_left_organization());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap() }
    /// ```
    pub fn deny_membership(&self, user: &UserId, organization: &OrganizationId) {
        self.deny(self.end_of_membership(user, organization, self.now()));
    }

    /// Creates the denial for a membership that ended by this time.
    pub(crate) fn end_of_membership(
        &self,
        user: &UserId,
        organization: &OrganizationId,
        ended_by: Timestamp,
    ) -> Denial {
        Denial {
            subject: Subject::Membership(user.clone(), organization.clone()),
            effect: Effect::Corrects(Arc::new(Correction::Ended)),
            version: ended_by.as_millis(),
            happened_at: ended_by,
            expires_at: self.now() + self.0.denied.lifetime(),
        }
    }

    /// Records a denial that was made just now.
    pub(crate) fn deny(&self, denial: Denial) {
        let now = self.now();
        self.0.denied.record(denial, now, now);
    }

    /// Returns the reason why a user's tokens are refused, if they are.
    pub(crate) fn denied_user(&self, user: &str, now: Timestamp) -> Option<Refusal> {
        self.0.denied.refusal(Key::User(user), now)
    }

    /// Returns whether a session has lost its organization since its verification.
    pub(crate) fn has_left_since(&self, session: &Session, now: Timestamp) -> bool {
        let mut corrected = session.clone();
        self.0.denied.correct(&mut corrected, now);
        corrected.has_left_organization() && !session.has_left_organization()
    }

    pub(crate) fn deny_list(&self) -> &DenyList {
        &self.0.denied
    }

    /// Verifies the session token of a request: from the `Authorization` header, otherwise from the cookies that
    /// Clerk's front end keeps on the application's domain.
    ///
    /// Extractors and [`RequireSession`](crate::middleware::RequireSession) call this method. Call it directly if
    /// neither fits.
    ///
    /// ```
    /// use axum::extract::Request;
    /// use axum::response::{IntoResponse, Response};
    /// use clerk_auth::Clerk;
    ///
    /// async fn serve(clerk: Clerk, request: Request) -> Response {
    ///     let (parts, _body) = request.into_parts();
    ///     match clerk.authenticate_request(&parts).await {
    ///         Ok(session) => format!("hello, {}", session.user_id()).into_response(),
    ///         Err(_) => "hello, visitor".into_response(),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AuthenticationError`] distinguishes a missing token, a refused token, a request that may come from another
    /// site, and unavailable keys.
    pub async fn authenticate_request(&self, parts: &Parts) -> Result<Session, AuthenticationError> {
        Ok(self.authenticate_parts(parts).await?.session)
    }

    /// Verifies the session token of a request by its headers alone.
    ///
    /// **Not checked:** the origin of the request, because that check depends on the method. A session cookie is
    /// accepted from the page of any site. Use [`authenticate_request`](Self::authenticate_request) for anything that
    /// is not read-only.
    ///
    /// # Errors
    ///
    /// The errors of [`authenticate_request`](Self::authenticate_request), without
    /// [`CrossSiteRequest`](AuthenticationError::CrossSiteRequest).
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Session, AuthenticationError> {
        Ok(self.authenticate_headers(headers, None).await?.session)
    }

    /// Verifies the session token of a request, and records the way it arrived.
    pub(crate) async fn authenticate_parts(
        &self,
        parts: &Parts,
    ) -> Result<Authentication, AuthenticationError> {
        self.authenticate_headers(&parts.headers, Some(parts)).await
    }

    /// Refuses a session cookie on a request that another site may have made.
    ///
    /// Checks a session that was verified earlier again, because a layer may have changed the method since.
    pub(crate) fn check_site(&self, parts: &Parts) -> Result<(), AuthenticationError> {
        let is_accepted = self.0.accepts_cross_site
            || cross_site::is_accepted(parts, &self.0.verifier.expectations().parties);
        is_accepted
            .then_some(())
            .ok_or(AuthenticationError::CrossSiteRequest)
            .inspect_err(|_| cross_site::report(parts))
    }

    async fn authenticate_headers(
        &self,
        headers: &HeaderMap,
        parts: Option<&Parts>,
    ) -> Result<Authentication, AuthenticationError> {
        let authenticated = self.verify_credential(headers, parts).await;
        match &authenticated {
            Err(AuthenticationError::Refused(refusal)) => {
                metrics::session_token_refused(refusal.code());
                tracing::info!(reason = refusal.code(), "refused a session token");
            }
            Err(error @ AuthenticationError::DenialsUnavailable { .. }) => {
                metrics::session_token_refused("denials_unavailable");
                tracing::error!(%error, "refused a session");
            }
            Err(error @ AuthenticationError::KeysUnavailable { .. }) => {
                metrics::session_token_refused("keys_unavailable");
                tracing::error!(%error, "a session token could not be verified");
            }
            // The check has reported it.
            Err(AuthenticationError::CrossSiteRequest) => {}
            Ok(_) | Err(AuthenticationError::SignedOut) => {}
        }
        authenticated
    }

    async fn verify_credential(
        &self,
        headers: &HeaderMap,
        parts: Option<&Parts>,
    ) -> Result<Authentication, AuthenticationError> {
        let credential =
            credential(headers, &self.0.cookies, self.issuer())?.ok_or(AuthenticationError::SignedOut)?;
        let came_by_cookie = credential.is_cookie();
        // Checked before the token, so that another site learns nothing about the token.
        if let Some(parts) = parts.filter(|_| came_by_cookie) {
            self.check_site(parts)?;
        }
        let now = self.now();
        let mut session = self.0.verifier.verify(&credential, now).await?;
        if let Err(refusal) = self.0.denied.check(&session, now) {
            self.0.verifier.forget(&credential);
            return Err(refusal.into());
        }
        self.0.denied.correct(&mut session, now);
        if !self.0.denied.currency().suffices() {
            return Err(AuthenticationError::DenialsUnavailable {
                retry_after: DENIALS_RETRY,
            });
        }
        let issued_at = session.issued_at().as_secs();
        if credential.client_updated_at.is_some_and(|time| issued_at < time) {
            return Err(Refusal::Superseded.into());
        }
        Ok(Authentication {
            session,
            came_by_cookie,
        })
    }
}

impl fmt::Debug for Clerk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Clerk")
            .field("issuer", &self.0.verifier.expectations().issuer)
            .finish_non_exhaustive()
    }
}
