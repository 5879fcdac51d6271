//! The organization and the membership that a handler can take, after the user.

use axum::http::Extensions;
use axum::http::request::Parts;

use super::admission::admitted;
use super::rejection::Rejection;
use crate::clerk::Clerk;
use crate::policy::Denied;
use crate::row::{SyncedMembership, SyncedOrganization};
use crate::session::Session;
use crate::sync::{MembershipSync, OrganizationSync};

/// A handle on the rows of organizations, or of memberships.
pub trait ActiveRows: Send + Sync {
    /// The struct of the rows.
    type Row: Send;

    /// Returns the users' handle on Clerk.
    fn clerk(&self) -> &Clerk;

    /// Returns the session's row; `None` if no organization is active. The row may have been read together with the
    /// user's.
    fn find(
        &self,
        session: &Session,
        others: &mut Extensions,
    ) -> impl Future<Output = Result<Option<Self::Row>, Rejection>> + Send;
}

impl<O: SyncedOrganization> ActiveRows for OrganizationSync<O> {
    type Row = O;

    fn clerk(&self) -> &Clerk {
        self.clerk()
    }

    async fn find(&self, session: &Session, others: &mut Extensions) -> Result<Option<O>, Rejection> {
        Ok(self.find_active(session, others).await?)
    }
}

impl<M: SyncedMembership> ActiveRows for MembershipSync<M> {
    type Row = M;

    fn clerk(&self) -> &Clerk {
        self.clerk()
    }

    async fn find(&self, session: &Session, others: &mut Extensions) -> Result<Option<M>, Rejection> {
        Ok(self.find_active(session, others).await?)
    }
}

/// Returns the row of the active organization, or of the membership in it.
pub(crate) async fn required<H: ActiveRows>(parts: &mut Parts, rows: &H) -> Result<H::Row, Rejection> {
    let session = admitted(parts, rows.clerk()).await?;
    let session = session.ok_or(Rejection::SignedOut)?;
    let found = rows.find(&session, &mut parts.extensions).await?;
    found.ok_or_else(|| not_active(&session))
}

/// Like [`required`], but returns `None` without an active organization or a session.
pub(crate) async fn optional<H: ActiveRows>(
    parts: &mut Parts,
    rows: &H,
) -> Result<Option<H::Row>, Rejection> {
    match admitted(parts, rows.clerk()).await? {
        Some(session) => rows.find(&session, &mut parts.extensions).await,
        None => Ok(None),
    }
}

/// Returns the answer to a session without an active organization.
pub(super) fn not_active(session: &Session) -> Rejection {
    Rejection::Denied(match session.has_left_organization() {
        true => Denied::OrganizationChanged,
        false => Denied::Organization,
    })
}
