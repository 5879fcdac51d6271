//! The route on which Clerk's webhooks arrive.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{self, MethodRouter};

use crate::extract::WebhookRejection;
use crate::sync::UserSync;
use crate::user::SyncedUser;
use crate::webhook::{Webhook, WebhookVerifier};

/// Receives Clerk's webhooks and keeps the rows of those who are not making a request: to be mounted where Clerk's dashboard
/// (Webhooks) is told to send them.
///
/// | event | what it does |
/// |---|---|
/// | `user.created`, `user.updated` | the template, evaluated over the user, becomes the row, unless the row is newer |
/// | `user.updated` of a user who is banned, locked or deprovisioned | the user's tokens are refused, until an event says otherwise |
/// | `user.deleted` | the row is deleted, and a token still valid does not bring it back; see [`SyncedUser`](macro@crate::SyncedUser) |
/// | `session.ended`, `session.removed`, `session.revoked` | the session's tokens are refused until they have expired |
/// | any other | nothing, but [`on_event`](crate::sync::UserSyncBuilder::on_event) hears of it as of all |
///
/// Clerk itself ends the sessions of a user who is banned or deprovisioned, so that no new tokens are minted; a user who is
/// locked cannot sign in, and keeps the sessions there are. Here the tokens of all three are refused at once, in every process
/// that listens to the same PostgreSQL database. What is refused is remembered by the processes, for 28 hours at most (a
/// lockout until its end), and not by a process that starts later.
///
/// The answer is 204 once everything is committed; 400 for what is not Clerk's or can never succeed, see
/// [`WebhookRejection`]; 503 for what may succeed when Clerk sends it again. Deliveries that come twice, late or in another
/// order do no harm.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// # use clerk_auth::{SyncedUser, UserSync};
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # struct User { clerk_id: String }
/// use axum::Router;
/// use clerk_auth::routing::webhooks;
/// use clerk_auth::webhook::{SigningSecretError, WebhookVerifier};
///
/// fn app(users: &UserSync<User>) -> Result<Router, SigningSecretError> {
///     let verifier = WebhookVerifier::from_env()?; // CLERK_WEBHOOK_SIGNING_SECRET
///     Ok(Router::new().route("/webhooks/clerk", webhooks(users, verifier)))
/// }
/// # }
/// ```
pub fn webhooks<U, S>(users: &UserSync<U>, verifier: WebhookVerifier) -> MethodRouter<S>
where
    U: SyncedUser,
    S: Clone + Send + Sync + 'static,
{
    let users = users.clone();
    routing::post(
        async move |request: Request| match receive(&users, &verifier, request).await {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(rejection) => rejection.into_response(),
        },
    )
}

async fn receive<U: SyncedUser>(
    users: &UserSync<U>,
    verifier: &WebhookVerifier,
    request: Request,
) -> Result<(), WebhookRejection> {
    let webhook = Webhook::from_request(request, verifier).await?;
    match users.receive(&webhook).await {
        Ok(()) => Ok(()),
        // Sync has told the operator why.
        Err(_) => Err(WebhookRejection::NotApplied),
    }
}
