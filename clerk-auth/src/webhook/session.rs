//! A session as events describe one (Clerk's Backend API, "Session").

use serde_json::Value;

use super::event::EventError;
use super::member::Members;
use super::user::ClerkUser;
use crate::id::{ClientId, SessionId, UserId};
use crate::time::Timestamp;

/// A session that has begun or ended, of which the members that applications ask for most are typed; [`raw`](Self::raw)
/// has them all.
///
/// ```
/// use clerk_auth::webhook::Event;
///
/// fn ended(event: &Event) -> Option<&str> {
///     match event {
///         Event::SessionEnded(session) | Event::SessionRemoved(session) | Event::SessionRevoked(session) => {
///             Some(session.id.as_str())
///         }
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClerkSession {
    /// Which it is: the `sid` of its tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// On which browser or device.
    pub client_id: Option<ClientId>,
    /// `active`, `pending`, `ended`, `removed`, `revoked`, `expired`, `abandoned` or `replaced`; Clerk may add others.
    pub status: Box<str>,
    /// When it expires, or would have. Its tokens expire earlier.
    pub expire_at: Timestamp,
    raw: Value,
}

impl ClerkSession {
    pub(super) fn read(raw: Value) -> Result<Self, EventError> {
        let session = Members::of(&raw, "data")?;
        session.check_object("actor")?;
        Ok(Self {
            id: session.required_id("id", SessionId::new)?,
            user_id: session.required_id("user_id", UserId::new)?,
            client_id: session.id("client_id", ClientId::new)?,
            status: session.required_text("status")?,
            expire_at: session.moment("expire_at")?,
            raw,
        })
    }

    /// The user, where Clerk sends one. It is read when it is asked for: that a session has ended is true whatever is
    /// wrong with what is told of its user.
    ///
    /// # Errors
    ///
    /// [`EventError`] names what is missing or malformed.
    ///
    /// ```
    /// use clerk_auth::webhook::{ClerkSession, EventError};
    ///
    /// fn is_of_banned_user(session: &ClerkSession) -> Result<bool, EventError> {
    ///     Ok(session.user()?.is_some_and(|user| user.banned))
    /// }
    /// ```
    pub fn user(&self) -> Result<Option<ClerkUser>, EventError> {
        let user = self.raw.get("user").filter(|user| !user.is_null());
        user.map(|user| ClerkUser::read(user.clone(), "data.user"))
            .transpose()
    }

    /// Who acts in the user's name, as the application described them when it began the impersonation; null in a session
    /// of the user's own.
    pub fn actor(&self) -> &Value {
        &self.raw["actor"]
    }

    /// The session as it was received, with the members that Clerk has added since.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}
