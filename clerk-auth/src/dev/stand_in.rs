//! The stand-in itself: mints tokens from the application's own template and publishes its key.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, post};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::deliveries::Deliveries;
use super::directory::{Changed, change, delete};
use super::local_only::local_only;
use super::token_request::TokenRequest;
use super::user_request::{FaultsRequest, UserRequest};
use crate::claim::TemplateClaim;
use crate::clerk::{Clerk, ConfigurationError, Variables};
use crate::http::address::{host, is_loopback};
use crate::http::origin::is_origin;
use crate::testing::endpoints::Endpoints;
use crate::testing::{Issuer, session_object};
use crate::time::{Clock, SystemClock};
use crate::webhook::WebhookVerifier;

/// The user that `POST /dev/token` signs in by default.
const DEFAULT_USER: &str = "user_ada";

/// The lifetime of the stand-in's tokens, in seconds. Longer than that of Clerk's session tokens, because the
/// stand-in's tokens are never refreshed.
const TOKEN_LIFETIME: i64 = 3_600;

/// A stand-in for Clerk on the application's own server, under `/dev`.
///
/// ```
/// # use clerk_auth::dev::StandIn;
/// let stand_in = StandIn::new("http://127.0.0.1:3000", &[])?;
/// let clerk = stand_in.clerk()?;
/// let app = axum::Router::<()>::new().nest("/dev", stand_in.router());
/// assert_eq!(clerk.issuer(), "http://127.0.0.1:3000/dev");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StandIn {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: Issuer,
    origin: String,
    template: &'static [TemplateClaim],
    endpoints: Arc<Endpoints>,
    deliveries: Deliveries,
}

/// The reason why a stand-in cannot be created.
///
/// ```
/// use clerk_auth::dev::{StandIn, StandInError};
///
/// let error = StandIn::new("http://0.0.0.0:3000", &[]).unwrap_err();
/// assert!(matches!(error, StandInError::NotLoopback(origin) if origin == "http://0.0.0.0:3000"));
/// ```
///
/// `Debug` prints the same text as `Display`, so that `main` can return the error.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StandInError {
    /// The origin is reachable from other machines, or is not an origin.
    #[error(
        "the stand-in signs in anybody as anybody and runs on loopback only; `{0}` is not like `http://127.0.0.1:3000`"
    )]
    NotLoopback(String),
    /// The environment has the publishable key of a production instance.
    #[error(
        "CLERK_PUBLISHABLE_KEY is a live key, beside which the stand-in does not run; unset it, or use Clerk"
    )]
    LiveKey,
}

impl fmt::Debug for StandInError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl StandIn {
    /// A stand-in for the server at `origin`, whose tokens are made of `template` (`User::TEMPLATE`).
    ///
    /// # Errors
    ///
    /// [`StandInError::NotLoopback`] if `origin` is not `http://` and a loopback address;
    /// [`StandInError::LiveKey`] if `CLERK_PUBLISHABLE_KEY` is set to a live key.
    pub fn new(origin: &str, template: &'static [TemplateClaim]) -> Result<Self, StandInError> {
        let variables = Variables::of_process();
        let stand_in = Self::beside(variables.get("CLERK_PUBLISHABLE_KEY"), origin, template)?;
        // With a misspelt variable the operator may believe that Clerk is used.
        if let Err(error) = variables.check() {
            tracing::warn!("the stand-in runs instead of Clerk: {error}");
        }
        Ok(stand_in)
    }

    fn beside(
        publishable_key: Option<&str>,
        origin: &str,
        template: &'static [TemplateClaim],
    ) -> Result<Self, StandInError> {
        if publishable_key.is_some_and(|key| key.trim_start().starts_with("pk_live_")) {
            return Err(StandInError::LiveKey);
        }
        let is_local = |origin: &str| {
            origin
                .strip_prefix("http://")
                .and_then(host)
                .is_some_and(is_loopback)
        };
        if !is_origin(origin) || !is_local(origin) {
            return Err(StandInError::NotLoopback(origin.to_owned()));
        }
        let issuer = Issuer::new(&format!("{origin}/dev"));
        Ok(Self {
            inner: Arc::new(Inner {
                endpoints: Endpoints::of(&issuer),
                issuer,
                origin: origin.to_owned(),
                template,
                deliveries: Deliveries::to(origin),
            }),
        })
    }

    /// The handle that accepts the stand-in's tokens, and no others.
    ///
    /// # Errors
    ///
    /// Those of [`ClerkBuilder::build`](crate::clerk::ClerkBuilder::build).
    pub fn clerk(&self) -> Result<Clerk, ConfigurationError> {
        Clerk::builder()
            .issuer(self.inner.issuer.url())
            .jwt_key(self.inner.issuer.public_key_pem())
            .authorized_parties([self.inner.origin.as_str()])
            .build()
    }

    /// Accepts the webhooks that the stand-in sends to `/webhooks/clerk` of the application, and no others.
    pub fn webhook_verifier(&self) -> WebhookVerifier {
        self.inner.deliveries.verifier()
    }

    /// Nest it under `/dev`:
    ///
    /// | | |
    /// |---|---|
    /// | `POST /token` | signs somebody in: `{"token"}` |
    /// | `GET /.well-known/jwks.json` | the key |
    /// | `GET /v1/…` | the Backend API, as far as keeping users takes it; any secret key will do |
    /// | `POST /users/{id}` | changes a user, and sends the application `user.created` or `user.updated` |
    /// | `DELETE /users/{id}` | deletes a user, and sends `user.deleted` |
    /// | `DELETE /sessions/{id}` | ends a session, and sends `session.ended` |
    ///
    /// With `{"edge_of": "ey…"}`, `POST /token` mints a token as Clerk's edge does: it is new, and its claims and their age
    /// are those of the earlier token.
    ///
    /// The body of the last three describes the faults of the webhook: `{"webhook": {"delay": 2.5, "copies": 3, "hold":
    /// true}}`. `delay` is in seconds, and `hold` holds the delivery back until after the next.
    ///
    /// A request for another host than `localhost` or a loopback address gets 421, and one from a page of another host
    /// 403.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/token", post(mint))
            .route("/users/{id}", post(change_user).delete(delete_user))
            .route("/sessions/{id}", routing::delete(end_session))
            .with_state(self.clone())
            .merge(self.inner.endpoints.router())
            // Without its own fallback, the nested router would use the application's for unknown paths, which bypasses
            // the layer.
            .fallback(async || StatusCode::NOT_FOUND)
            .layer(from_fn(local_only))
    }

    /// `None` for a user who was deleted.
    fn mint(&self, request: &TokenRequest) -> Option<String> {
        let inner = &*self.inner;
        let now = SystemClock.now();
        let user_id = request.user_id.as_deref().unwrap_or(DEFAULT_USER);
        let Changed { user, .. } = change(&inner.endpoints, user_id, &request.change(), now)?;
        let lifetime = request.expires_in.unwrap_or(TOKEN_LIFETIME);
        let mut token = inner
            .issuer
            .token(user_id)
            .template(inner.template, &user)
            .issued_at(now)
            .claim("exp", now.seconds().saturating_add(lifetime))
            .authorized_party(&inner.origin);
        if let Some(organization) = &request.org {
            token = token
                .organization(&organization.id, &organization.role)
                .slug(&organization.slug)
                .permissions(&organization.permissions);
        }
        for name in &request.omit_claims {
            token = token.without(name);
        }
        Some(token.sign())
    }

    /// Mints a token as Clerk's edge does: it has not asked the database, and so copies what has changed since.
    fn mint_at_edge(&self, earlier: &str, request: &TokenRequest) -> Result<String, Refused> {
        let refused = |text: &str| (StatusCode::BAD_REQUEST, format!("{text}\n"));
        if request.asks_for_claims() {
            return Err(refused(
                "`edge_of` copies every claim; besides it, send at most `expires_in`",
            ));
        }
        let token = self.inner.issuer.copy_of(earlier).ok_or_else(|| {
            refused(
                "expected a token of this stand-in in `edge_of`; send one that `POST /dev/token` returned",
            )
        })?;
        let lifetime = request.expires_in.unwrap_or(TOKEN_LIFETIME);
        let expires_at = SystemClock.now().seconds().saturating_add(lifetime);
        Ok(token.claim("exp", expires_at).sign())
    }
}

/// An explanation for a person who tries requests by hand.
type Refused = (StatusCode, String);

async fn mint(State(stand_in): State<StandIn>, body: Bytes) -> Result<Response, Refused> {
    let request: TokenRequest = read(&body)?;
    let token = match &request.edge_of {
        Some(earlier) => stand_in.mint_at_edge(earlier, &request)?,
        None => stand_in.mint(&request).ok_or_else(deleted)?,
    };
    Ok(json_response(&json!({ "token": token })))
}

async fn change_user(
    State(stand_in): State<StandIn>,
    Path(user_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let request: UserRequest = read(&body)?;
    let faults = request.webhook;
    let endpoints = &stand_in.inner.endpoints;
    let changed = change(endpoints, &user_id, &request.into_change(), SystemClock.now());
    let Changed { user, is_new } = changed.ok_or_else(deleted)?;
    let event_type = if is_new { "user.created" } else { "user.updated" };
    let delivery = stand_in.inner.deliveries.send(event_type, user.clone(), faults);
    Ok(json_response(&json!({ "user": user, "delivery": delivery })))
}

async fn delete_user(
    State(stand_in): State<StandIn>,
    Path(user_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let FaultsRequest { webhook } = read(&body)?;
    let is_known = delete(&stand_in.inner.endpoints, &user_id);
    let gone = json!({ "id": user_id, "object": "user", "deleted": true });
    let note = format!(
        "{user_id} is deleted for good: their row is marked or removed, their tokens are refused with 401 user_deleted, and \
         POST /dev/token answers 410; go on with another user id, or restart the stand-in with a database that knows \
         nothing of the deletion"
    );
    let delivery = stand_in.inner.deliveries.send("user.deleted", gone, webhook);
    Ok(json_response(
        &json!({ "was_known": is_known, "delivery": delivery, "note": note }),
    ))
}

async fn end_session(
    State(stand_in): State<StandIn>,
    Path(session_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let FaultsRequest { webhook } = read(&body)?;
    // Sessions are not kept: the issuer names each after its user.
    let user_id = format!("user_{}", session_id.strip_prefix("sess_").unwrap_or(&session_id));
    let ended = session_object(&session_id, &user_id, "ended", SystemClock.now());
    let delivery = stand_in.inner.deliveries.send("session.ended", ended, webhook);
    Ok(json_response(&json!({ "delivery": delivery })))
}

/// Reads a body. An empty body means all defaults.
fn read<T: Default + DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|error| {
        let text = format!("the body is not as it should be: {error}\n");
        (StatusCode::BAD_REQUEST, text)
    })
}

fn deleted() -> Refused {
    let text = "the user was deleted, and Clerk's ids do not come again; go on with another user id\n";
    (StatusCode::GONE, text.to_owned())
}

fn json_response(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

impl fmt::Debug for StandIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StandIn")
            .field("origin", &self.inner.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_on_loopback_only_and_not_beside_a_live_key() {
        for (key, origin, accepted) in [
            (None, "http://127.0.0.1:3000", true),
            (None, "http://localhost", true),
            (None, "http://[::1]:8080", true),
            (Some("pk_test_x"), "http://127.0.0.1:3000", true),
            (Some("pk_live_x"), "http://127.0.0.1:3000", false),
            (None, "http://0.0.0.0:3000", false),
            (None, "https://127.0.0.1", false),
            (None, "http://127.0.0.1.example.com", false),
            (None, "http://localhost:80@example.com", false),
            (None, "http://localhost.example.com", false),
            (None, "http://LOCALHOST:3000", false),
            (None, "http://127.0.0.1:3000/", false),
            (None, "http://127.0.0.1:65536", false),
            (None, "http://2130706433:3000", false),
            (None, "http://[::ffff:127.0.0.1]:3000", false),
            (None, "http://[::]:3000", false),
        ] {
            assert_eq!(
                StandIn::beside(key, origin, &[]).is_ok(),
                accepted,
                "{key:?} {origin}"
            );
        }
    }
}
