//! Clerk's own endpoints on a port of this machine, with request counts.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Issuer;
use super::directory::served_id;
use super::endpoints::{Endpoints, error, locked};
use super::organization_directory::OrganizationDirectory;
use super::organization_endpoints::{self, OrganizationSource};
use crate::clerk::{Clerk, ClerkBuilder};
use crate::id::UserId;

/// A Clerk instance on loopback. Serves its JWKS document at `/.well-known/jwks.json`. From the Backend API, serves the
/// users at `/v1/users/{id}`, where `PATCH` sets their `external_id`, `/v1/users` and `/v1/users/count`, and the keys
/// at `/v1/jwks`. Organizations and memberships are at `/v1/organizations`, `/v1/organizations/{id}`,
/// `/v1/organizations/{id}/memberships`, `/v1/organization_memberships` and `/v1/users/{id}/organization_memberships`.
/// Dropping the value stops the server.
///
/// ```
/// use axum::http::{HeaderMap, header::AUTHORIZATION};
/// use clerk_auth::testing::FakeClerk;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let fake = FakeClerk::start().await?;
/// let clerk = fake.clerk().build()?;
/// let mut headers = HeaderMap::new();
/// headers.insert(AUTHORIZATION, format!("Bearer {}", fake.issuer().token("user_ada").sign()).parse()?);
///
/// assert_eq!(clerk.authenticate(&headers).await?.user_id().as_str(), "user_ada");
/// clerk.authenticate(&headers).await?;
/// assert_eq!(fake.requests("/.well-known/jwks.json"), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct FakeClerk {
    issuer: Issuer,
    state: Arc<Instance>,
    server: JoinHandle<()>,
}

struct Instance {
    endpoints: Arc<Endpoints>,
    organizations: Arc<OrganizationDirectory>,
    requests: Mutex<HashMap<String, usize>>,
    failure: Mutex<Option<StatusCode>>,
    failures_once: Mutex<VecDeque<StatusCode>>,
}

impl FakeClerk {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Returns the error of the operating system if no port is available.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = Issuer::new(&format!("http://{}", listener.local_addr()?));
        let state = Arc::new(Instance {
            endpoints: Endpoints::new(&issuer),
            organizations: Arc::default(),
            requests: Mutex::default(),
            failure: Mutex::default(),
            failures_once: Mutex::default(),
        });
        let router = state
            .endpoints
            .router()
            .merge(organization_endpoints::router(
                Arc::clone(&state.organizations) as Arc<dyn OrganizationSource>
            ))
            .layer(from_fn_with_state(Arc::clone(&state), count));
        let server = tokio::spawn(async move {
            // The server runs until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            issuer,
            state,
            server,
        })
    }

    /// Returns the issuer that signs the instance's tokens.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns a builder for a handle that accepts this instance's tokens, and fetches its keys from here.
    pub fn clerk(&self) -> ClerkBuilder {
        Clerk::builder().issuer(self.issuer.url())
    }

    /// Returns the number of requests for a path.
    pub fn requests(&self, path: &str) -> usize {
        locked(&self.state.requests).get(path).copied().unwrap_or(0)
    }

    /// Publishes these keys instead of the issuer's, as after a rotation.
    pub fn publish(&self, jwks: Value) {
        *locked(&self.state.endpoints.jwks) = jwks;
    }

    /// Answers all requests with this status, until called with `None`; 429 with a `Retry-After` of one second.
    pub fn fail(&self, status: impl Into<Option<StatusCode>>) {
        *locked(&self.state.failure) = status.into();
    }

    /// Answers the next request with this status. Several calls fail as many requests.
    pub fn fail_once(&self, status: StatusCode) {
        locked(&self.state.failures_once).push_back(status);
    }

    /// Serves this many users without keeping them in memory, besides those that are [put](Self::put_user). Each user
    /// is generated from its index on request. `id` and `created_at` are overwritten:
    /// [`served_user`](Self::served_user) returns the id, and each user is created a second after the previous one.
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::testing::{FakeClerk, user_object};
    /// use clerk_auth::time::Timestamp;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let fake = FakeClerk::start().await?;
    /// fake.serve_users(1_000_000, |place| {
    ///     user_object(&format!("user_number{place}"), Timestamp::from_secs(7))
    /// });
    /// let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret")?;
    /// let after = FakeClerk::served_user(499_999);
    /// let page = api.users(Some(&after), 2).await?;
    /// assert_eq!(page[0]["email_addresses"][0]["email_address"], "number500000@example.com");
    /// assert_eq!(page[1]["id"], FakeClerk::served_user(500_001).as_str());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn serve_users(&self, count: usize, user: impl Fn(usize) -> Value + Send + Sync + 'static) {
        locked(&self.state.endpoints.users).serve(count, Box::new(user));
    }

    /// Returns the id of the user at an index among those that are [served](Self::serve_users).
    pub fn served_user(place: usize) -> UserId {
        UserId::new(served_id(place))
    }

    /// Adds a user object, or replaces the one with the same `id`; see [`user_object`](super::user_object).
    ///
    /// # Panics
    ///
    /// If the object has no text `id`.
    pub fn put_user(&self, user: Value) {
        locked(&self.state.endpoints.users).put(user);
    }

    /// Serves this text in place of a user's object, alone and in lists, until the user is [put](Self::put_user) again.
    /// The text may deviate from Clerk's documentation, and need not be JSON, because users write their own metadata.
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::testing::{FakeClerk, user_object};
    /// use clerk_auth::time::Timestamp;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let fake = FakeClerk::start().await?;
    /// fake.put_user(user_object("user_ada", Timestamp::from_secs(7)));
    /// fake.serve_as("user_ada", r#"{"id": "user_ada", "unsafe_metadata": {"size": 1e999}}"#);
    /// let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret")?;
    /// let page = api.users(None, 10).await?;
    /// assert_eq!(page[0].unreadable(), ["/unsafe_metadata/size"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If the user does not exist: the text takes the user's position in lists.
    pub fn serve_as(&self, user_id: &str, text: impl Into<Vec<u8>>) {
        locked(&self.state.endpoints.users).set_text(user_id, text.into());
    }

    /// Deletes a user, and their memberships.
    pub fn remove_user(&self, user_id: &str) {
        locked(&self.state.endpoints.users).remove(user_id);
        self.state.organizations.remove_user(user_id);
    }

    /// Adds an organization object, or replaces the one with the same `id`; see
    /// [`organization_object`](super::organization_object).
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::testing::{FakeClerk, membership_object, organization_object};
    /// use clerk_auth::time::Timestamp;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let (fake, now) = (FakeClerk::start().await?, Timestamp::from_secs(7));
    /// fake.put_organization(organization_object("org_1", now));
    /// fake.put_membership(membership_object("user_ada", "org_1", "org:admin", now));
    /// let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret")?;
    /// assert_eq!(api.organizations(0, 10).await?[0]["id"], "org_1");
    /// assert_eq!(api.memberships(0, 10).await?[0]["role"], "org:admin");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If the object has no text `id`.
    pub fn put_organization(&self, organization: Value) {
        self.state.organizations.put(organization);
    }

    /// Deletes an organization, and its memberships.
    pub fn remove_organization(&self, organization_id: &str) {
        self.state.organizations.remove(organization_id);
    }

    /// Adds a membership object, or replaces the one with the same `id`; see
    /// [`membership_object`](super::membership_object).
    ///
    /// # Panics
    ///
    /// If the object has no text `id`.
    pub fn put_membership(&self, membership: Value) {
        self.state.organizations.put_member(membership);
    }

    /// Ends a membership.
    pub fn remove_membership(&self, user_id: &str, organization_id: &str) {
        self.state.organizations.remove_member(user_id, organization_id);
    }

    /// Answers requests about organizations with this status and the code `organization_not_enabled_in_instance`, until
    /// called with `None`. Clerk's status is 403.
    pub fn disable_organizations(&self, status: impl Into<Option<StatusCode>>) {
        self.state.organizations.disable(status.into());
    }
}

async fn count(State(instance): State<Arc<Instance>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    *locked(&instance.requests).entry(path).or_default() += 1;
    let failure = locked(&instance.failures_once).pop_front();
    let failure = failure.or(*locked(&instance.failure));
    match failure {
        Some(StatusCode::TOO_MANY_REQUESTS) => {
            let refused = error(StatusCode::TOO_MANY_REQUESTS, "too_many_requests");
            ([(header::RETRY_AFTER, "1")], refused).into_response()
        }
        Some(status) => error(status, "internal_clerk_error"),
        None => next.run(request).await,
    }
}

impl Drop for FakeClerk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for FakeClerk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FakeClerk")
            .field("url", &self.issuer.url())
            .finish_non_exhaustive()
    }
}
