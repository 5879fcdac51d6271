//! The Frontend API: the requests that Clerk's own JavaScript makes, answered as a production instance behind a proxy
//! URL answers them.
//!
//! The cookie `__client_…`, which scripts cannot read, identifies a browser. Scripts and servers read `__client_uat`
//! and `__client_uat_…`: the second of the last sign-in, or 0. clerk-js itself writes the cookies with session tokens.

mod answer;
mod environment;
mod me;
mod objects;
mod organizations;
mod request;
mod sessions;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use self::answer::{Refusal, response, set_cookie};
use self::request::FrontendRequest;
use super::clients::End;
use super::instance::Instance;
use crate::testing::endpoints::locked;
use crate::time::{Clock, SystemClock};

/// The routes below the proxy URL.
pub(super) fn router(instance: Arc<Instance>) -> Router {
    Router::new()
        .fallback(answer)
        .with_state(instance)
        .layer(from_fn(share))
}

async fn answer(State(instance): State<Arc<Instance>>, request: Request) -> Response {
    let request = match FrontendRequest::read(request, &instance.cookie_suffix).await {
        Ok(request) => request,
        Err(refusal) => return response(Err(refusal)),
    };
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (request.method.as_str(), path.as_slice()) {
        ("GET" | "PATCH", ["v1", "environment"]) => response(Ok(instance.environment())),
        (_, ["v1", "client" | "me" | "organizations", ..]) => instance.answer_browser(&request),
        _ => response(Err(Refusal::not_found("path"))),
    }
}

impl Instance {
    /// Answers a request that concerns a browser, and brings the browser's cookies up to date.
    fn answer_browser(&self, request: &FrontendRequest) -> Response {
        let mut clients = locked(&self.clients);
        let known = request.client.as_deref().filter(|id| clients.get(id).is_some());
        let known = known.map(str::to_owned);
        let client_id = known.clone().unwrap_or_else(|| clients.add(SystemClock.now()));
        drop(clients);
        let mut response = response(self.browser_request(&client_id, request));
        if known.is_none() {
            set_cookie(
                &mut response,
                &format!("__client_{}", self.cookie_suffix),
                &client_id,
                true,
            );
        }
        let updated_at = self.updated_at(&client_id);
        let names = [
            "__client_uat".to_owned(),
            format!("__client_uat_{}", self.cookie_suffix),
        ];
        for (name, sent) in names.iter().zip(&request.updated_at) {
            if sent.as_deref() != Some(&updated_at) {
                set_cookie(&mut response, name, &updated_at, false);
            }
        }
        response
    }

    /// Dispatches a request by method and path.
    fn browser_request(&self, client_id: &str, request: &FrontendRequest) -> Result<Value, Refusal> {
        let party = request.party.as_deref();
        let with_client =
            |answer: Value| json!({ "response": answer, "client": self.client_object(client_id, party) });
        let path: Vec<&str> = request.path.iter().skip(1).map(String::as_str).collect();
        let answer = match (request.method.as_str(), path.as_slice()) {
            ("GET" | "PUT" | "POST", ["client"]) => {
                return Ok(json!({ "response": self.client_object(client_id, party), "client": null }));
            }
            ("DELETE", ["client"] | ["client", "sessions"]) => {
                self.end_sessions(End::Removed, |session| session.client_id == client_id);
                return Ok(json!({ "response": self.client_object(client_id, party), "client": null }));
            }
            ("POST", ["client", "sign_ins"]) => self.create_sign_in(client_id, request)?,
            ("GET", ["client", "sign_ins", id]) => self.continue_sign_in(client_id, id, None)?,
            ("POST", ["client", "sign_ins", id, step]) => self.continue_sign_in(client_id, id, Some(step))?,
            ("POST", ["client", "sign_ups"]) => self.create_sign_up(client_id, request)?,
            (method, ["client", "sessions", id, rest @ ..]) => {
                let session = self.live_session(client_id, id)?;
                match (method, rest) {
                    ("GET", []) => self.session_object(&session, party),
                    ("POST", ["touch"]) => self.touch(&session, request)?,
                    ("POST", ["tokens"]) => return self.token(&session, request),
                    ("POST", ["end"]) => self.end_session(&session, End::Ended),
                    ("POST", ["remove"]) => self.end_session(&session, End::Removed),
                    _ => return Err(Refusal::not_found("path")),
                }
            }
            (method, [root @ ("me" | "organizations"), rest @ ..]) => {
                let session_id = request.session_id().ok_or_else(Refusal::not_signed_in)?;
                let session = self.live_session(client_id, session_id)?;
                match (method, *root, rest) {
                    ("GET", "me", []) => self.me(&session)?,
                    ("PATCH", "me", []) => self.change_me(&session, request)?,
                    ("GET", "me", ["organization_memberships"]) => self.my_memberships(&session)?,
                    ("DELETE", "me", ["organization_memberships", id]) => {
                        self.delete_member(&session, id, &session.user_id)?
                    }
                    ("POST", "organizations", []) => self.create_organization(&session, request)?,
                    ("GET", "organizations", [id]) => self.organization(&session, id)?,
                    ("GET", "organizations", [id, "memberships"]) => self.members(&session, id)?,
                    ("POST", "organizations", [id, "memberships"]) => {
                        let user_id = request.get("user_id").unwrap_or_default();
                        self.put_member(&session, id, user_id, request)?
                    }
                    ("PATCH", "organizations", [id, "memberships", user_id]) => {
                        self.put_member(&session, id, user_id, request)?
                    }
                    ("DELETE", "organizations", [id, "memberships", user_id]) => {
                        self.delete_member(&session, id, user_id)?
                    }
                    _ => return Err(Refusal::not_found("path")),
                }
            }
            _ => return Err(Refusal::not_found("path")),
        };
        Ok(with_client(answer))
    }

    /// Returns the value of `__client_uat`: 0 without a session.
    fn updated_at(&self, client_id: &str) -> String {
        let clients = locked(&self.clients);
        let is_signed_in = !clients.sessions_of(client_id).is_empty();
        let client = clients.get(client_id).filter(|_| is_signed_in);
        let seconds = client.map_or(0, |client| client.sessions_changed_at.as_secs());
        seconds.to_string()
    }
}

/// Lets pages of other ports of this machine read the answers, with cookies. `local_only` has already refused pages of
/// other machines.
async fn share(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let requested = request
        .headers()
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned();
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        allow(headers, origin, requested);
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, requested: Option<HeaderValue>) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "authorization, retry-after",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(requested) = requested {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, requested);
    }
}
