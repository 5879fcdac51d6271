//! The endpoints of a Clerk instance: its keys, and the part of the Backend API that sync uses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::Issuer;
use super::directory::Directory;

/// The keys and users of an instance, and the routes that serve them.
pub(crate) struct Endpoints {
    pub(crate) jwks: Mutex<Value>,
    pub(crate) users: Mutex<Directory>,
}

impl Endpoints {
    /// Creates the endpoints of an instance with the issuer's key and no users.
    pub(crate) fn new(issuer: &Issuer) -> Arc<Self> {
        Arc::new(Self {
            jwks: Mutex::new(issuer.jwks()),
            users: Mutex::default(),
        })
    }

    /// Returns the routes: `/.well-known/jwks.json`, and the Backend API below `/v1`.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/.well-known/jwks.json", get(jwks))
            .route("/v1/jwks", get(backend_jwks))
            .route("/v1/users", get(users))
            .route("/v1/users/count", get(user_count))
            .route("/v1/users/{id}", get(user).patch(update_user))
            .with_state(Arc::clone(self))
    }
}

async fn jwks(State(endpoints): State<Arc<Endpoints>>) -> Response {
    answer(StatusCode::OK, &locked(&endpoints.jwks))
}

async fn user_count(State(endpoints): State<Arc<Endpoints>>, headers: HeaderMap) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    let count = locked(&endpoints.users).count();
    answer(
        StatusCode::OK,
        &json!({ "object": "total_count", "total_count": count }),
    )
}

async fn backend_jwks(State(endpoints): State<Arc<Endpoints>>, headers: HeaderMap) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    answer(StatusCode::OK, &locked(&endpoints.jwks))
}

async fn user(
    State(endpoints): State<Arc<Endpoints>>,
    Path(user_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    let users = locked(&endpoints.users);
    match users.get(&user_id) {
        Some(user) => answer_text(StatusCode::OK, users.text_of(&user)),
        None => error(StatusCode::NOT_FOUND, "resource_not_found"),
    }
}

/// Sets the `external_id`, which must be unique in the instance (Clerk's documentation, "Update a user").
async fn update_user(
    State(endpoints): State<Arc<Endpoints>>,
    Path(user_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    let Ok(changes) = serde_json::from_slice::<Value>(&body) else {
        return error(StatusCode::BAD_REQUEST, "request_body_invalid");
    };
    let mut users = locked(&endpoints.users);
    let Some(mut user) = users.get(&user_id) else {
        return error(StatusCode::NOT_FOUND, "resource_not_found");
    };
    let external_id = &changes["external_id"];
    if !external_id.is_null() && users.has_other_with_external_id(&user_id, external_id) {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "form_identifier_exists");
    }
    user["external_id"] = external_id.clone();
    user["updated_at"] = (user["updated_at"].as_i64().unwrap_or(0) + 1).into();
    users.put(user.clone());
    answer(StatusCode::OK, &user)
}

/// Lists users in the order of creation, with ids as a tiebreaker.
async fn users(
    State(endpoints): State<Arc<Endpoints>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    let query = query.unwrap_or_default();
    let parameters = |name| parameters(&query, name);
    let limit = parameters("limit").next().and_then(|limit| limit.parse().ok());
    let limit = limit.unwrap_or(10).min(500);
    // Clerk's documentation, "Get a list of all users".
    const MAX_IDS: usize = 100;
    let ids: Vec<&str> = parameters("user_id").collect();
    let users = locked(&endpoints.users);
    let page = if ids.is_empty() {
        users.page(parameters("starting_after").next(), limit)
    } else {
        let found = ids.iter().take(MAX_IDS).filter_map(|id| users.get(id));
        Some(found.take(limit).collect())
    };
    match page {
        Some(page) => {
            let page: Vec<_> = page.iter().map(|user| users.text_of(user)).collect();
            answer_text(StatusCode::OK, [&b"["[..], &page.join(&b','), b"]"].concat())
        }
        None => error(StatusCode::NOT_FOUND, "resource_not_found"),
    }
}

/// Returns the values of a name in a query. Ids and numbers contain no characters that a query escapes.
pub(super) fn parameters<'a>(query: &'a str, name: &'static str) -> impl Iterator<Item = &'a str> {
    query
        .split('&')
        .filter_map(move |pair| pair.strip_prefix(name)?.strip_prefix('='))
}

pub(super) fn is_authorized(headers: &HeaderMap) -> bool {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    authorization.is_some_and(|value| value.starts_with("Bearer sk_"))
}

/// Returns an error of the Backend API.
pub(super) fn error(status: StatusCode, code: &str) -> Response {
    answer(
        status,
        &json!({ "errors": [{ "message": code, "long_message": code, "code": code }] }),
    )
}

pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    answer_text(status, body.to_string().into_bytes())
}

fn answer_text(status: StatusCode, body: Vec<u8>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (status, content_type, body).into_response()
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
