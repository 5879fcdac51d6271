//! A session in an event (Clerk's Backend API, "Session").

use serde_json::Value;

use super::error::EventError;
use super::member::{Members, object_or_null};
use super::user::ClerkUser;
use crate::id::{ClientId, SessionId, UserId};
use crate::lenient::LenientValue;
use crate::time::Timestamp;

/// A session that has begun or ended. The most used members have typed fields; [`raw`](Self::raw) contains all.
/// Unreadable members are treated as in a [`ClerkUser`].
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
    /// The session id: the `sid` of its tokens.
    pub id: SessionId,
    /// The user of the session.
    pub user_id: UserId,
    /// The browser or device of the session.
    pub client_id: Option<ClientId>,
    /// `active`, `pending`, `ended`, `removed`, `revoked`, `expired`, `abandoned` or `replaced`; Clerk may add others.
    /// If the status cannot be read, the last word of the event's type.
    pub status: Box<str>,
    /// The time at which the session expires, or would have expired. Its tokens expire earlier. Clerk always sends it;
    /// `None` if it cannot be read.
    pub expire_at: Option<Timestamp>,
    timestamp: Timestamp,
    unreadable: Box<[Box<str>]>,
    raw: LenientValue,
}

impl ClerkSession {
    /// Parses a session, whose status follows from the type of the event.
    pub(super) fn read(raw: LenientValue, status: &str, timestamp: Timestamp) -> Result<Self, EventError> {
        let mut session = Members::new(raw.node(), "data")?;
        session.check_object("actor");
        Ok(Self {
            id: session.required_id("id", SessionId::new)?,
            user_id: session.required_id("user_id", UserId::new)?,
            client_id: session.lenient_id("client_id", ClientId::new),
            status: session.text_or("status", status),
            expire_at: session.time("expire_at"),
            timestamp,
            unreadable: session.into_unreadable(&raw),
            raw,
        })
    }

    /// Returns the user, if Clerk sends one. The user is parsed on demand, because a session has ended even if its
    /// user's data is malformed.
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
        let user = self.raw.node().get("user");
        match user.shallow() {
            Ok(Value::Null) => Ok(None),
            _ => ClerkUser::read(user.to_lenient(), "data.user", self.timestamp).map(Some),
        }
    }

    /// Returns the actor, as described by the application that began the impersonation. Null unless the session is
    /// impersonated.
    pub fn actor(&self) -> &Value {
        object_or_null(&self.raw, "actor")
    }

    /// Returns the session as received, including members that are newer than this library.
    pub fn raw(&self) -> &LenientValue {
        &self.raw
    }

    /// Lists the unreadable parts; see [`ClerkUser::unreadable`].
    pub fn unreadable(&self) -> &[Box<str>] {
        &self.unreadable
    }
}
