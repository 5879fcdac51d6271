//! Requests that play the roles of the user, of the operator in Clerk's dashboard, and of Clerk itself, for developers
//! and tests.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::clients::{End, LiveSession, Ticket};
use super::directory::{Changed, change, delete};
use super::instance::Instance;
use super::organization_request::{MemberRequest, OrganizationRequest};
use super::seed::Seed;
use super::settings_request::SettingsRequest;
use super::ticket_request::TicketRequest;
use super::token_request::TokenRequest;
use super::user_request::{FaultsRequest, UserChange, UserRequest};
use crate::testing::endpoints::locked;
use crate::testing::{membership_object, organization_object, session_object};
use crate::time::{Clock, SystemClock};

/// The user that `POST /dev/token` signs in by default.
const DEFAULT_USER: &str = "user_ada";

/// The lifetime of the tokens of `POST /dev/token`, in seconds. Longer than that of Clerk's session tokens, because
/// these tokens are never refreshed.
const TOKEN_LIFETIME: i64 = 3_600;

type Shared = State<Arc<Instance>>;

/// An explanation for a person who tries requests by hand.
pub(super) type Refused = (StatusCode, String);

impl Instance {
    /// Mints a token at the origin; `None` for a user who was deleted.
    fn mint(&self, request: &TokenRequest) -> Option<String> {
        let now = SystemClock.now();
        let user_id = request.user_id.as_deref().unwrap_or(DEFAULT_USER);
        let Changed { user, .. } = change(&self.endpoints, user_id, &request.change(), now)?;
        let lifetime = request.expires_in.unwrap_or(TOKEN_LIFETIME);
        let mut token = self
            .issuer
            .token(user_id)
            .template(self.template, &user)
            .issued_at(now)
            .claim("exp", now.as_secs().saturating_add(lifetime))
            .authorized_party(&self.origin);
        if let Some(organization) = &request.org {
            let templates = locked(&self.settings).organization_templates.clone();
            let known = locked(&self.organizations).get(&organization.id);
            let mut object = known.unwrap_or_else(|| organization_object(&organization.id, now));
            object["slug"] = organization.slug.as_str().into();
            token = token
                .organization(&organization.id, &organization.role)
                .slug(&organization.slug)
                .permissions(&organization.permissions);
            let mut membership = membership_object(user_id, &organization.id, &organization.role, now);
            membership["permissions"] = json!(organization.permissions);
            membership["organization"] = object;
            for template in templates {
                token = token.membership_template(template, &membership);
            }
        }
        for name in &request.omit_claims {
            token = token.without(name);
        }
        Some(token.sign())
    }

    /// Mints a token as Clerk's edge does: with the claims of an earlier token, even if the user has changed since.
    fn mint_at_edge(&self, earlier: &str, request: &TokenRequest) -> Result<String, Refused> {
        let refused = |text: &str| (StatusCode::BAD_REQUEST, format!("{text}\n"));
        if request.asks_for_claims() {
            return Err(refused(
                "`edge_of` copies every claim; besides it, send at most `expires_in`",
            ));
        }
        let token = self.issuer.copy_of(earlier).ok_or_else(|| {
            refused(
                "expected a token of this stand-in in `edge_of`; send one that `POST /dev/token` returned",
            )
        })?;
        let lifetime = request.expires_in.unwrap_or(TOKEN_LIFETIME);
        let expires_at = SystemClock.now().as_secs().saturating_add(lifetime);
        Ok(token.claim("exp", expires_at).sign())
    }
}

pub(super) async fn mint(State(instance): Shared, body: Bytes) -> Result<Response, Refused> {
    let request: TokenRequest = read(&body)?;
    let token = match &request.edge_of {
        Some(earlier) => instance.mint_at_edge(earlier, &request)?,
        None => instance.mint(&request).ok_or_else(deleted)?,
    };
    Ok(json_response(&json!({ "token": token })))
}

pub(super) async fn change_user(
    State(instance): Shared,
    Path(user_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let request: UserRequest = read(&body)?;
    let faults = request.webhook;
    let changed = instance.change_user(&user_id, &request.into_change(), faults);
    let (user, delivery) = changed.ok_or_else(deleted)?;
    Ok(json_response(&json!({ "user": user, "delivery": delivery })))
}

pub(super) async fn delete_user(
    State(instance): Shared,
    Path(user_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let FaultsRequest { webhook } = read(&body)?;
    let is_known = delete(&instance.endpoints, &user_id);
    locked(&instance.organizations).remove_user(&user_id);
    locked(&instance.clients).end(SystemClock.now(), |session| session.user_id == user_id);
    let gone = json!({ "id": user_id, "object": "user", "deleted": true });
    let note = format!(
        "{user_id} is deleted for good: their row is marked or removed, their tokens are refused with 401 user_deleted, and \
         POST /dev/token answers 410; go on with another user id, or restart the stand-in with a database that knows \
         nothing of the deletion"
    );
    let delivery = instance.deliveries.send("user.deleted", gone, webhook);
    Ok(json_response(
        &json!({ "was_known": is_known, "delivery": delivery, "note": note }),
    ))
}

pub(super) async fn sessions(State(instance): Shared) -> Response {
    let clients = locked(&instance.clients);
    let sessions: Vec<Value> = clients.sessions().map(session_summary).collect();
    json_response(&sessions.into())
}

fn session_summary(session: &LiveSession) -> Value {
    json!({
        "id": session.id,
        "client_id": session.client_id,
        "user_id": session.user_id,
        "organization_id": session.organization_id,
        "status": if session.is_pending { "pending" } else { "active" },
        "created_at": session.created_at.as_millis(),
    })
}

pub(super) async fn end_session(
    State(instance): Shared,
    Path(session_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let FaultsRequest { webhook } = read(&body)?;
    let ended = instance.end_sessions_with(End::Revoked, webhook, |session| session.id == session_id);
    if let Some(delivery) = ended.first() {
        return Ok(json_response(&json!({ "delivery": delivery })));
    }
    // The sessions of `POST /dev/token` are not stored; each is named after its user.
    let user_id = format!("user_{}", session_id.strip_prefix("sess_").unwrap_or(&session_id));
    let ended = session_object(&session_id, &user_id, "ended", SystemClock.now());
    let delivery = instance.deliveries.send("session.ended", ended, webhook);
    Ok(json_response(&json!({ "delivery": delivery })))
}

pub(super) async fn create_ticket(State(instance): Shared, body: Bytes) -> Result<Response, Refused> {
    let request: TicketRequest = read(&body)?;
    let user_id = request.user_id.as_deref().unwrap_or(DEFAULT_USER).to_owned();
    let nothing = UserChange::default();
    change(&instance.endpoints, &user_id, &nothing, SystemClock.now()).ok_or_else(deleted)?;
    let ticket = locked(&instance.clients).add_ticket(Ticket {
        user_id,
        actor: request.actor(instance.issuer.url()),
        is_pending: request.pending,
    });
    Ok(json_response(&json!({ "ticket": ticket })))
}

pub(super) async fn change_organization(
    State(instance): Shared,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let request: OrganizationRequest = read(&body)?;
    let (name, slug) = (request.name.as_deref(), request.slug.as_deref());
    let (organization, delivery) = instance.change_organization(&id, name, slug, request.webhook);
    Ok(json_response(
        &json!({ "organization": organization, "delivery": delivery }),
    ))
}

pub(super) async fn delete_organization(
    State(instance): Shared,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    let FaultsRequest { webhook } = read(&body)?;
    let delivery = instance.delete_organization(&id, webhook);
    let delivery = delivery.ok_or_else(|| unknown("organization"))?;
    Ok(json_response(&json!({ "delivery": delivery })))
}

pub(super) async fn change_member(
    State(instance): Shared,
    Path((id, user_id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refused> {
    let request: MemberRequest = read(&body)?;
    let permissions = &request.permissions;
    let changed = instance.change_member(&id, &user_id, &request.role, permissions, request.webhook);
    let (membership, delivery) = changed.ok_or_else(|| unknown("organization or user"))?;
    Ok(json_response(
        &json!({ "membership": membership, "delivery": delivery }),
    ))
}

pub(super) async fn delete_member(
    State(instance): Shared,
    Path((id, user_id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refused> {
    let FaultsRequest { webhook } = read(&body)?;
    let removed = instance.remove_member(&id, &user_id, webhook);
    let (membership, delivery) = removed.ok_or_else(|| unknown("membership"))?;
    Ok(json_response(
        &json!({ "membership": membership, "delivery": delivery }),
    ))
}

pub(super) async fn settings(State(instance): Shared) -> Response {
    json_response(&instance.settings_object())
}

pub(super) async fn change_settings(State(instance): Shared, body: Bytes) -> Result<Response, Refused> {
    let request: SettingsRequest = read(&body)?;
    request.apply(&mut locked(&instance.settings));
    Ok(json_response(&instance.settings_object()))
}

pub(super) async fn directory(State(instance): Shared) -> Response {
    json_response(&instance.directory())
}

pub(super) async fn replace_directory(State(instance): Shared, body: Bytes) -> Result<Response, Refused> {
    let seed: Seed = read(&body)?;
    let replaced = instance.replace_directory(&seed);
    replaced.map_err(|problem| (StatusCode::BAD_REQUEST, format!("{problem}\n")))?;
    Ok(json_response(&instance.directory()))
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

fn unknown(what: &str) -> Refused {
    let text = format!("there is no such {what} in the stand-in; `GET /dev/directory` lists what there is\n");
    (StatusCode::NOT_FOUND, text)
}

fn json_response(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
