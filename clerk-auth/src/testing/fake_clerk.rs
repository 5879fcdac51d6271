//! Clerk's own endpoints on a port of this machine, which count what they are asked.

mod directory;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::directory::Directory;
use super::Issuer;
use crate::clerk::{Clerk, ClerkBuilder};
use crate::id::UserId;

/// A Clerk instance on loopback: its JWKS document at `/.well-known/jwks.json`, and of its Backend API the users at
/// `/v1/users/{id}`, `/v1/users` and `/v1/users/count`, and the keys at `/v1/jwks`. It stops when it is dropped.
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
    jwks: Mutex<Value>,
    users: Mutex<Directory>,
    requests: Mutex<HashMap<String, usize>>,
    failure: Mutex<Option<StatusCode>>,
    failures_once: Mutex<VecDeque<StatusCode>>,
}

impl FakeClerk {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// What the operating system says if no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = Issuer::new(&format!("http://{}", listener.local_addr()?));
        let state = Arc::new(Instance {
            jwks: Mutex::new(issuer.jwks()),
            users: Mutex::default(),
            requests: Mutex::default(),
            failure: Mutex::default(),
            failures_once: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/jwks.json", get(jwks))
            .route("/v1/jwks", get(backend_jwks))
            .route("/v1/users", get(users))
            .route("/v1/users/count", get(user_count))
            .route("/v1/users/{id}", get(user))
            .layer(from_fn_with_state(Arc::clone(&state), count))
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            issuer,
            state,
            server,
        })
    }

    /// Signs the instance's tokens.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// A handle that accepts this instance's tokens, and fetches its keys from here.
    pub fn clerk(&self) -> ClerkBuilder {
        Clerk::builder().issuer(self.issuer.url())
    }

    /// How often a path was asked for.
    pub fn requests(&self, path: &str) -> usize {
        locked(&self.state.requests).get(path).copied().unwrap_or(0)
    }

    /// Publishes these keys instead of the issuer's, as after a rotation.
    pub fn publish(&self, jwks: Value) {
        *locked(&self.state.jwks) = jwks;
    }

    /// Answers everything with this status, until it is told `None`; 429 with a `Retry-After` of one second.
    pub fn fail(&self, status: impl Into<Option<StatusCode>>) {
        *locked(&self.state.failure) = status.into();
    }

    /// Answers the next request with this status, and goes on as before; several calls fail as many requests.
    pub fn fail_once(&self, status: StatusCode) {
        locked(&self.state.failures_once).push_back(status);
    }

    /// Has so many users without keeping them in memory, besides those that are [put](Self::put_user): each is made anew
    /// whenever it is asked for, from its place. Its `id` and `created_at` are overwritten: [`served_user`](Self::served_user)
    /// tells the one, and each is created a second after the one before.
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::testing::{FakeClerk, user_object};
    /// use clerk_auth::time::Timestamp;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let fake = FakeClerk::start().await?;
    /// fake.serve_users(1_000_000, |place| {
    ///     user_object(&format!("user_number{place}"), Timestamp::from_seconds(7))
    /// });
    /// let api = BackendApi::at(fake.issuer().url(), "sk_test_secret")?;
    /// let after = FakeClerk::served_user(499_999);
    /// let page = api.users(Some(&after), 2).await?;
    /// assert_eq!(page[0]["email_addresses"][0]["email_address"], "number500000@example.com");
    /// assert_eq!(page[1]["id"], FakeClerk::served_user(500_001).as_str());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn serve_users(&self, count: usize, user: impl Fn(usize) -> Value + Send + Sync + 'static) {
        locked(&self.state.users).serve(count, Box::new(user));
    }

    /// The id of the user at a place among those that are [served](Self::serve_users).
    pub fn served_user(place: usize) -> UserId {
        UserId::new(directory::served_id(place))
    }

    /// Adds a user object, or replaces that of the same `id`; see [`user_object`](super::user_object).
    ///
    /// # Panics
    ///
    /// If the object has no text `id`.
    pub fn put_user(&self, user: Value) {
        locked(&self.state.users).put(user);
    }

    /// Deletes a user.
    pub fn remove_user(&self, user_id: &str) {
        locked(&self.state.users).remove(user_id);
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

async fn jwks(State(instance): State<Arc<Instance>>) -> Response {
    answer(StatusCode::OK, &locked(&instance.jwks))
}

async fn user_count(State(instance): State<Arc<Instance>>, headers: HeaderMap) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    let count = locked(&instance.users).count();
    answer(
        StatusCode::OK,
        &json!({ "object": "total_count", "total_count": count }),
    )
}

async fn backend_jwks(State(instance): State<Arc<Instance>>, headers: HeaderMap) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    answer(StatusCode::OK, &locked(&instance.jwks))
}

async fn user(
    State(instance): State<Arc<Instance>>,
    Path(user_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    match locked(&instance.users).get(&user_id) {
        Some(user) => answer(StatusCode::OK, &user),
        None => error(StatusCode::NOT_FOUND, "resource_not_found"),
    }
}

/// In the order of creation, and of ids where that is the same.
async fn users(
    State(instance): State<Arc<Instance>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    let query = query.unwrap_or_default();
    // Ids and numbers have nothing that a query escapes.
    let parameters = |name: &'static str| {
        query
            .split('&')
            .filter_map(move |pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let limit = parameters("limit").next().and_then(|limit| limit.parse().ok());
    let limit = limit.unwrap_or(10).min(500);
    let ids: Vec<&str> = parameters("user_id").collect();
    let users = locked(&instance.users);
    let page = if ids.is_empty() {
        users.page(parameters("starting_after").next(), limit)
    } else {
        Some(ids.iter().filter_map(|id| users.get(id)).take(limit).collect())
    };
    match page {
        Some(page) => answer(StatusCode::OK, &Value::Array(page)),
        None => error(StatusCode::NOT_FOUND, "resource_not_found"),
    }
}

fn is_authorized(headers: &HeaderMap) -> bool {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    authorization.is_some_and(|value| value.starts_with("Bearer sk_"))
}

/// The body of the Backend API's errors.
fn error(status: StatusCode, code: &str) -> Response {
    answer(
        status,
        &json!({ "errors": [{ "message": code, "long_message": code, "code": code }] }),
    )
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (status, content_type, body.to_string()).into_response()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
