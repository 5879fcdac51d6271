//! The stand-in itself: mints tokens from the application's own template and publishes its key.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::directory::Directory;
use super::token_request::TokenRequest;
use crate::claim::TemplateClaim;
use crate::clerk::{Clerk, ConfigurationError};
use crate::testing::Issuer;
use crate::time::{Clock, SystemClock};

/// Whom `POST /dev/token` signs in when the body names nobody.
const DEFAULT_USER: &str = "user_ada";

/// The lifetime of Clerk's session tokens, in seconds. The stand-in's live longer, because nobody refreshes them.
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
    directory: Mutex<Directory>,
}

/// Why there is no stand-in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StandInError {
    /// The origin is reachable from other machines, or is no origin.
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

impl StandIn {
    /// A stand-in for the server at `origin`, whose tokens are made of `template` (`User::TEMPLATE`).
    ///
    /// # Errors
    ///
    /// [`StandInError::NotLoopback`] if `origin` is not `http://` and a loopback address;
    /// [`StandInError::LiveKey`] if `CLERK_PUBLISHABLE_KEY` is set to a live key.
    pub fn new(origin: &str, template: &'static [TemplateClaim]) -> Result<Self, StandInError> {
        Self::beside(
            std::env::var("CLERK_PUBLISHABLE_KEY").ok().as_deref(),
            origin,
            template,
        )
    }

    fn beside(
        publishable_key: Option<&str>,
        origin: &str,
        template: &'static [TemplateClaim],
    ) -> Result<Self, StandInError> {
        if publishable_key.is_some_and(|key| key.trim_start().starts_with("pk_live_")) {
            return Err(StandInError::LiveKey);
        }
        let loopback = ["http://127.0.0.1", "http://[::1]", "http://localhost"]
            .iter()
            .filter_map(|prefix| origin.strip_prefix(prefix))
            .any(|rest| {
                rest.is_empty()
                    || rest
                        .strip_prefix(':')
                        .is_some_and(|port| port.parse::<u16>().is_ok())
            });
        if !loopback {
            return Err(StandInError::NotLoopback(origin.to_owned()));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                issuer: Issuer::new(&format!("{origin}/dev")),
                origin: origin.to_owned(),
                template,
                directory: Mutex::default(),
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

    /// `POST /token` and `GET /.well-known/jwks.json`; nest it under `/dev`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/token", post(mint))
            .route("/.well-known/jwks.json", get(jwks))
            .with_state(self.clone())
    }

    fn mint(&self, request: &TokenRequest) -> String {
        let inner = &*self.inner;
        let now = SystemClock.now();
        let user_id = request.user_id.as_deref().unwrap_or(DEFAULT_USER);
        let user = inner
            .directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sign_in(user_id, request, now);
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
        token.sign()
    }
}

async fn mint(State(stand_in): State<StandIn>, body: Bytes) -> Response {
    let request = if body.is_empty() {
        Ok(TokenRequest::default())
    } else {
        serde_json::from_slice(&body)
    };
    match request {
        Ok(request) => json_response(&json!({ "token": stand_in.mint(&request) })),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            format!("the body is not a token request: {error}\n"),
        )
            .into_response(),
    }
}

async fn jwks(State(stand_in): State<StandIn>) -> Response {
    json_response(&stand_in.inner.issuer.jwks())
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
        ] {
            assert_eq!(
                StandIn::beside(key, origin, &[]).is_ok(),
                accepted,
                "{key:?} {origin}"
            );
        }
    }
}
