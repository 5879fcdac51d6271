//! The route on which Clerk's webhooks arrive.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{self, MethodRouter};

use crate::extract::WebhookRejection;
use crate::row::SyncedUser;
use crate::sync::UserSync;
use crate::webhook::{Webhook, WebhookVerifier};

/// Receives Clerk's webhooks and updates the rows of users who are not making a request. Mount it with
/// [`Router::public`](super::Router::public) at the address that is configured in Clerk's dashboard (Webhooks). The
/// signature of each delivery is verified.
///
/// | event | effect |
/// |---|---|
/// | `user.created`, `user.updated` | the template, evaluated over the user, becomes the row, unless the row is newer |
/// | `user.created`, `user.updated` of a user who is banned or deprovisioned | the user's tokens are refused, until a newer event lifts the ban |
/// | `user.updated` of a user who is locked out | nothing, unless [`lockout_ends_sessions`](crate::sync::UserSyncBuilder::lockout_ends_sessions) is set |
/// | `user.deleted` | the row is deleted, and a token that is still valid does not recreate it; see [`SyncedUser`](macro@crate::SyncedUser) |
/// | `session.ended`, `session.removed`, `session.revoked` | the session's tokens are refused |
/// | `organizationMembership.deleted` | older tokens of the user no longer have this organization: [`organization()`](crate::Session::organization) is `None`, and handlers that require it answer 403 `organization_changed` |
/// | `organizationMembership.created`, `organizationMembership.updated` | in older tokens of the user, role and permissions in this organization are those of the event; a change of metadata alone changes nothing |
/// | `organization.deleted` | older tokens of every member no longer have this organization |
/// | any other | no effect on rows or denials; [`on_event`](crate::sync::UserSyncBuilder::on_event) runs as for every event |
///
/// **Bans, deletions and ends of sessions** apply before the row and independently of it. In this process they apply at
/// once, even if the database is down, the user's claims fit no row, or an application's hook fails. They are also
/// written to the table [`CREATE_DENIALS`](crate::sync::CREATE_DENIALS), from which every other process reads them.
/// Another process reads them within milliseconds if it can `LISTEN`, otherwise within about a second. A process that
/// starts later reads them too. The newest event wins in whatever order events arrive. A denial lives for 28 hours
/// ([`denial_lifetime`](crate::clerk::ClerkBuilder::denial_lifetime)), which no accepted token outlives.
///
/// **Memberships** are corrected by the same table, in the same processes. A token is older if its claims were
/// [read](crate::Session::claims_read_at) before the event or in its second. Later tokens are not affected. So after a
/// 403 `organization_changed`, a front end gets a token from Clerk's origin, `getToken({ skipCache: true })`, and
/// repeats the request.
///
/// **Answers.**
///
/// - 204 once everything is committed. Also 204 if the struct or the database refuses the user's data, because a retry
///   does not help. The row then stays unchanged, and the refusal is logged with the user id and counted as `refused`.
///   The delivery is not recorded, so that a replay or an import applies it once the data fits.
/// - 400 for a delivery that is not Clerk's, see [`WebhookRejection`].
/// - 503 if a retry may help: after a failure of the database, or of a hook of the application.
///
/// Duplicate, late and out-of-order deliveries are harmless.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// # use clerk_auth::{SyncedUser, UserSync};
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # struct User { clerk_id: String }
/// use clerk_auth::routing::{Router, webhooks};
/// use clerk_auth::webhook::{SigningSecretError, WebhookVerifier};
///
/// fn app(users: &UserSync<User>) -> Result<Router, SigningSecretError> {
///     let verifier = WebhookVerifier::from_env()?; // CLERK_WEBHOOK_SIGNING_SECRET
///     Ok(Router::new().public("/webhooks/clerk", webhooks(users, verifier)))
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
        async move |request: Request| match apply(&users, &verifier, request).await {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(rejection) => rejection.into_response(),
        },
    )
}

async fn apply<U: SyncedUser>(
    users: &UserSync<U>,
    verifier: &WebhookVerifier,
    request: Request,
) -> Result<(), WebhookRejection> {
    let webhook = Webhook::from_request(request, verifier).await?;
    match users.apply_delivery(&webhook).await {
        Ok(()) => Ok(()),
        // Sync has already logged the reason.
        Err(_) => Err(WebhookRejection::NotApplied),
    }
}
