//! The memberships that a handler can take, after the user.

use axum::http::request::Parts;

use super::organization::not_active;
use super::rejection::Rejection;
use super::subject::admitted;
use crate::row::SyncedMembership;
use crate::session::Session;
use crate::sync::MembershipSync;

/// Returns the row of the membership in the active organization.
pub(crate) async fn required<M: SyncedMembership>(
    parts: &mut Parts,
    memberships: &MembershipSync<M>,
) -> Result<M, Rejection> {
    let session = admitted(parts, memberships.clerk()).await?;
    let session = session.ok_or(Rejection::SignedOut)?;
    let found = of_session(&session, memberships).await?;
    found.ok_or_else(|| not_active(&session))
}

/// Returns the row of the membership in the active organization; `None` if none is active, or if there is no session.
pub(crate) async fn optional<M: SyncedMembership>(
    parts: &mut Parts,
    memberships: &MembershipSync<M>,
) -> Result<Option<M>, Rejection> {
    match admitted(parts, memberships.clerk()).await? {
        Some(session) => of_session(&session, memberships).await,
        None => Ok(None),
    }
}

async fn of_session<M: SyncedMembership>(
    session: &Session,
    memberships: &MembershipSync<M>,
) -> Result<Option<M>, Rejection> {
    let Some(found) = memberships.find(session).await? else {
        return Ok(None);
    };
    let row = memberships.by_value(session, found.user).await;
    row.map(Some).map_err(Rejection::from_sync::<M>)
}
