//! The organizations that a handler can take, after the user.

use axum::http::request::Parts;

use super::rejection::Rejection;
use super::subject::admitted;
use crate::policy::Denied;
use crate::row::SyncedOrganization;
use crate::session::Session;
use crate::sync::OrganizationSync;

/// Returns the row of the active organization.
pub(crate) async fn required<O: SyncedOrganization>(
    parts: &mut Parts,
    organizations: &OrganizationSync<O>,
) -> Result<O, Rejection> {
    let session = session(parts, organizations).await?.ok_or(Rejection::SignedOut)?;
    let found = of_session(&session, organizations).await?;
    found.ok_or_else(|| not_active(&session))
}

/// The answer to a session without an active organization.
pub(super) fn not_active(session: &Session) -> Rejection {
    Rejection::Denied(match session.has_left_organization() {
        true => Denied::OrganizationChanged,
        false => Denied::Organization,
    })
}

/// Returns the row of the active organization; `None` if none is active, or if there is no session.
pub(crate) async fn optional<O: SyncedOrganization>(
    parts: &mut Parts,
    organizations: &OrganizationSync<O>,
) -> Result<Option<O>, Rejection> {
    match session(parts, organizations).await? {
        Some(session) => of_session(&session, organizations).await,
        None => Ok(None),
    }
}

async fn session<O: SyncedOrganization>(
    parts: &mut Parts,
    organizations: &OrganizationSync<O>,
) -> Result<Option<Session>, Rejection> {
    admitted(parts, organizations.clerk()).await
}

async fn of_session<O: SyncedOrganization>(
    session: &Session,
    organizations: &OrganizationSync<O>,
) -> Result<Option<O>, Rejection> {
    let synced = organizations.sync(session).await;
    let synced = synced.map_err(Rejection::from_sync::<O>)?;
    Ok(synced.map(|synced| synced.user))
}
