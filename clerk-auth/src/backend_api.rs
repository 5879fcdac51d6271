//! The part of Clerk's Backend API that sync needs: users, a user's `external_id`, organizations and memberships.

mod error;
mod organizations;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use serde_json::{Value, json};

pub use self::error::BackendApiError;
use self::transport::Transport;
use crate::http::address::redacted;
use crate::http::client::safe_url;
use crate::id::{UserId, is_id};
use crate::lenient::LenientValue;

/// The address of Clerk's Backend API.
const CLERK: &str = "https://api.clerk.com";

/// The longest wait for a response. Clerk usually responds within a fraction of a second, and a request is waiting.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait for a page of users. A page of 500 users has megabytes, and no request waits for the page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// The most users of a page (Clerk's documentation, "Get a list of all users").
///
/// ```
/// use clerk_auth::backend_api::{BackendApi, BackendApiError, MAX_PAGE_SIZE};
/// use clerk_auth::id::UserId;
///
/// async fn banned(api: &BackendApi) -> Result<usize, BackendApiError> {
///     let (mut banned, mut last) = (0, None);
///     loop {
///         let page = api.users(last.as_ref(), MAX_PAGE_SIZE).await?;
///         banned += page.iter().filter(|user| user["banned"] == true).count();
///         match page.iter().rev().find_map(|user| user["id"].as_str()) {
///             Some(user_id) => last = Some(UserId::new(user_id)),
///             None => return Ok(banned),
///         }
///     }
/// }
/// ```
pub const MAX_PAGE_SIZE: usize = 500;

/// The most users that one request can list by id (Clerk's documentation, "Get a list of all users").
pub(crate) const MAX_IDS: usize = 100;

/// A client of Clerk's Backend API. Cloning is cheap.
///
/// ```
/// use clerk_auth::backend_api::BackendApi;
///
/// let api = BackendApi::new("sk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")?;
/// assert_eq!(format!("{api:?}"), "BackendApi { url: \"https://api.clerk.com\", .. }");
/// # Ok::<(), clerk_auth::backend_api::BackendApiError>(())
/// ```
#[derive(Clone)]
pub struct BackendApi(Arc<Transport>);

impl BackendApi {
    /// Creates a client with the instance's secret key, `sk_test_…` or `sk_live_…`.
    ///
    /// # Errors
    ///
    /// [`BackendApiError::SecretKey`] if the key does not have the format of Clerk's keys;
    /// [`BackendApiError::HttpClient`] if the HTTP client cannot be created.
    pub fn new(secret_key: &str) -> Result<Self, BackendApiError> {
        Self::with_base_url(CLERK, secret_key)
    }

    /// Creates a client from environment variables: `CLERK_SECRET_KEY`, and `CLERK_API_URL` if the address is not
    /// `https://api.clerk.com`.
    ///
    /// ```no_run
    /// let api = clerk_auth::backend_api::BackendApi::from_env()?;
    /// # Ok::<(), clerk_auth::backend_api::BackendApiError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`with_base_url`](Self::with_base_url); a missing secret key is [`BackendApiError::SecretKey`].
    pub fn from_env() -> Result<Self, BackendApiError> {
        let variable = |name: &str| {
            let value = std::env::var_os(name).map(|value| value.to_string_lossy().trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let secret_key = variable("CLERK_SECRET_KEY").unwrap_or_default();
        let url = variable("CLERK_API_URL");
        Self::with_base_url(url.as_deref().map_or(CLERK, without_version), &secret_key)
    }

    /// Logs a warning if the client's address differs from that in the environment.
    pub(crate) fn warn_unless_at(&self, url: Option<&str>) {
        let Some(url) = url else { return };
        let named = safe_url(without_version(url));
        let is_same = named.is_some_and(|named| {
            let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
            named.origin() == self.0.url.origin() && path(&named) == path(&self.0.url)
        });
        if !is_same {
            tracing::warn!(
                called = %self.0.url,
                "CLERK_API_URL is {}, but the `BackendApi` calls {}: build it with `BackendApi::from_env`",
                redacted(url),
                self.0.url
            );
        }
    }

    /// Like [`new`](Self::new), with another address: of a proxy, or of a `testing::FakeClerk`.
    ///
    /// # Errors
    ///
    /// [`BackendApiError::Url`] if the address is neither `https://` nor of this machine; otherwise the errors of
    /// [`new`](Self::new).
    pub fn with_base_url(url: &str, secret_key: &str) -> Result<Self, BackendApiError> {
        Ok(Self(Arc::new(Transport::new(url, secret_key)?)))
    }

    /// Returns the user as Clerk describes them, or `None` if the user no longer exists. Unreadable parts of the user
    /// are null, and [listed](LenientValue::unreadable).
    ///
    /// # Errors
    ///
    /// [`BackendApiError`] if the request fails.
    pub async fn user(&self, user_id: &UserId) -> Result<Option<LenientValue>, BackendApiError> {
        match self.0.get(&["v1", "users", user_id.as_str()], &[], TIMEOUT).await {
            Ok(user) if user["id"] == user_id.as_str() => Ok(Some(user)),
            Ok(_) => Err(BackendApiError::Malformed("the requested user")),
            // Another 404, for example from a proxy, does not concern the user.
            Err(BackendApiError::Status { status: 404, code }) if code == "resource_not_found" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the user's `external_id`, the id of the user in the application's own systems. Clerk refuses an id that another
    /// user of the instance has.
    ///
    /// ```
    /// use clerk_auth::backend_api::{BackendApi, BackendApiError};
    /// use clerk_auth::id::UserId;
    ///
    /// /// Sends the key of the application's row to Clerk.
    /// async fn identify(api: &BackendApi, user_id: &UserId, row: i64) -> Result<(), BackendApiError> {
    ///     api.set_external_id(user_id, &row.to_string()).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BackendApiError::Status`] if there is no such user, or if another user has the id; otherwise the errors of any
    /// request.
    pub async fn set_external_id(&self, user_id: &UserId, external_id: &str) -> Result<(), BackendApiError> {
        let request = self
            .0
            .request(Method::PATCH, &["v1", "users", user_id.as_str()])?
            .header(CONTENT_TYPE, "application/json")
            .body(json!({ "external_id": external_id }).to_string())
            .timeout(TIMEOUT);
        let user = self.0.send(request).await?;
        match user["external_id"].as_str() {
            Some(set) if set == external_id => Ok(()),
            _ => Err(BackendApiError::Malformed("the user with the new `external_id`")),
        }
    }

    /// Returns a page of all users in the order of their creation, after the given user; an empty page is the end.
    /// `limit` is the largest number of users, clamped to the range from one to [`MAX_PAGE_SIZE`].
    ///
    /// Data that a user wrote never makes the page unreadable. An element whose `id` is missing or unreadable stays in
    /// the page. The next page begins after the last element with an `id`, and a page without any `id` is the last.
    ///
    /// # Errors
    ///
    /// [`BackendApiError`] if the request fails. [`BackendApiError::Malformed`] for a full page without any `id`,
    /// because there is no cursor for the next page.
    pub async fn users(
        &self,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<LenientValue>, BackendApiError> {
        let limit = limit.clamp(1, MAX_PAGE_SIZE);
        let text = limit.to_string();
        let mut query = vec![("order_by", "+created_at"), ("limit", &*text)];
        if let Some(after) = after {
            query.push(("starting_after", after.as_str()));
        }
        let users = self.list(&query).await?;
        if users.len() >= limit && !users.iter().any(|user| user["id"].as_str().is_some_and(is_id)) {
            return Err(BackendApiError::Malformed("a list of users with ids"));
        }
        Ok(users)
    }

    /// Returns those of these users that exist at Clerk, in any order. Each request lists a hundred.
    ///
    /// ```
    /// use clerk_auth::backend_api::{BackendApi, BackendApiError};
    /// use clerk_auth::id::UserId;
    ///
    /// /// Counts the users that still exist at Clerk.
    /// async fn known(api: &BackendApi, user_ids: &[UserId]) -> Result<usize, BackendApiError> {
    ///     Ok(api.users_by_id(user_ids).await?.len())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BackendApiError`] if the request for any of them fails.
    pub async fn users_by_id(&self, user_ids: &[UserId]) -> Result<Vec<LenientValue>, BackendApiError> {
        let mut users = Vec::new();
        for user_ids in user_ids.chunks(MAX_IDS) {
            let limit = user_ids.len().to_string();
            let ids = user_ids.iter().map(|user_id| ("user_id", user_id.as_str()));
            let query: Vec<_> = ids.chain([("limit", &*limit)]).collect();
            users.extend(self.list(&query).await?);
        }
        Ok(users)
    }

    /// Returns the number of users, for a progress bar.
    ///
    /// # Errors
    ///
    /// [`BackendApiError`] if the request fails.
    pub async fn user_count(&self) -> Result<u64, BackendApiError> {
        let count = self.0.get(&["v1", "users", "count"], &[], TIMEOUT).await?;
        count["total_count"]
            .as_u64()
            .ok_or(BackendApiError::Malformed("a count of users"))
    }

    /// Returns the keys with which the instance signs session tokens, as a JWKS document.
    ///
    /// # Errors
    ///
    /// [`BackendApiError`] if the request fails.
    pub async fn jwks(&self) -> Result<Value, BackendApiError> {
        Ok(self.0.get(&["v1", "jwks"], &[], TIMEOUT).await?.into_value())
    }

    async fn list(&self, query: &[(&str, &str)]) -> Result<Vec<LenientValue>, BackendApiError> {
        let users = self.0.get(&["v1", "users"], query, PAGE_TIMEOUT).await?;
        users
            .into_elements()
            .ok_or(BackendApiError::Malformed("a list of users"))
    }

    /// Returns how long requests are suspended after a rate limit; zero if they are not.
    pub fn rate_limited_for(&self) -> Duration {
        self.0.rate_limited_for()
    }
}

/// Removes the path `/v1`. Clerk's SDKs disagree about whether the address includes the version.
fn without_version(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix("/v1").unwrap_or(url)
}

impl fmt::Debug for BackendApi {
    /// Omits the secret key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BackendApi")
            .field("url", &self.0.url.as_str().trim_end_matches('/'))
            .finish_non_exhaustive()
    }
}
