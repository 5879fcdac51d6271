//! Clerk's own endpoints on a port of this machine, which count what they are asked.

use std::collections::{BTreeMap, HashMap};
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

use super::Issuer;
use crate::clerk::{Clerk, ClerkBuilder};

/// A Clerk instance on loopback: its JWKS document at `/.well-known/jwks.json`, and of its Backend API the users at
/// `/v1/users/{id}` and `/v1/users`. It stops when it is dropped.
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
    users: Mutex<BTreeMap<String, Value>>,
    requests: Mutex<HashMap<String, usize>>,
    failure: Mutex<Option<StatusCode>>,
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
        });
        let router = Router::new()
            .route("/.well-known/jwks.json", get(jwks))
            .route("/v1/users", get(users))
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

    /// Adds a user object, or replaces that of the same `id`; see [`user_object`](super::user_object).
    ///
    /// # Panics
    ///
    /// If the object has no text `id`.
    pub fn put_user(&self, user: Value) {
        let id = user["id"].as_str().expect("a user object has an id").to_owned();
        locked(&self.state.users).insert(id, user);
    }

    /// Deletes a user.
    pub fn remove_user(&self, user_id: &str) {
        locked(&self.state.users).remove(user_id);
    }
}

async fn count(State(instance): State<Arc<Instance>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    *locked(&instance.requests).entry(path).or_default() += 1;
    let failure = *locked(&instance.failure);
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

async fn user(
    State(instance): State<Arc<Instance>>,
    Path(user_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    match locked(&instance.users).get(&user_id) {
        Some(user) => answer(StatusCode::OK, user),
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
    let parameter = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let limit = parameter("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(10);
    let users = locked(&instance.users);
    let key = |user: &Value| {
        (
            user["created_at"].as_i64(),
            user["id"].as_str().map(str::to_owned),
        )
    };
    let after = parameter("starting_after").and_then(|id| users.get(id)).map(key);
    let mut page: Vec<&Value> = users
        .values()
        .filter(|user| after.as_ref().is_none_or(|after| key(user) > *after))
        .collect();
    page.sort_by_key(|user| key(user));
    page.truncate(limit);
    answer(StatusCode::OK, &json!(page))
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
