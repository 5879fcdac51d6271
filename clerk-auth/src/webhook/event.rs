//! The content of an event. Its type selects the variant, and determines how `data` is parsed.

use super::error::EventError;
use super::organization::{ClerkOrganization, ClerkOrganizationMembership, DeletedOrganization};
use super::session::ClerkSession;
use super::user::{ClerkUser, DeletedUser};
use crate::lenient::LenientValue;
use crate::time::Timestamp;

/// An event from Clerk: typed for users, sessions, organizations and their memberships, and raw JSON for all others.
///
/// ```
/// use clerk_auth::webhook::Event;
///
/// fn describe(event: &Event) -> String {
///     match event {
///         Event::UserCreated(user) => format!("{} signed up", user.id),
///         Event::UserDeleted(user) => format!("{:?} is gone", user.id),
///         Event::OrganizationMembershipCreated(membership) => format!("a new {}", membership.role),
///         Event::Other { event_type, data } => format!("{event_type} of {}", data["id"]),
///         other => format!("{}: {}", other.event_type(), other.raw()),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// `user.created`
    UserCreated(Box<ClerkUser>),
    /// `user.updated`, also after a ban, a lock, or a withdrawal by a directory.
    UserUpdated(Box<ClerkUser>),
    /// `user.deleted`
    UserDeleted(DeletedUser),
    /// `session.created`
    SessionCreated(Box<ClerkSession>),
    /// `session.pending`: a task, such as choosing an organization, is pending.
    SessionPending(Box<ClerkSession>),
    /// `session.ended`
    SessionEnded(Box<ClerkSession>),
    /// `session.removed`
    SessionRemoved(Box<ClerkSession>),
    /// `session.revoked`
    SessionRevoked(Box<ClerkSession>),
    /// `organization.created`
    OrganizationCreated(Box<ClerkOrganization>),
    /// `organization.updated`
    OrganizationUpdated(Box<ClerkOrganization>),
    /// `organization.deleted`
    OrganizationDeleted(DeletedOrganization),
    /// `organizationMembership.created`
    OrganizationMembershipCreated(Box<ClerkOrganizationMembership>),
    /// `organizationMembership.updated`
    OrganizationMembershipUpdated(Box<ClerkOrganizationMembership>),
    /// `organizationMembership.deleted`
    OrganizationMembershipDeleted(Box<ClerkOrganizationMembership>),
    /// Any other type, known to Clerk or not.
    Other {
        /// The type, such as `email.created`.
        event_type: Box<str>,
        /// The event's data; null if there is none.
        data: LenientValue,
    },
}

impl Event {
    /// Parses the data of an event of this type and time.
    pub(super) fn read(
        event_type: &str,
        data: LenientValue,
        timestamp: Timestamp,
    ) -> Result<Self, EventError> {
        let user = |data| ClerkUser::read(data, "data", timestamp).map(Box::new);
        let session = |data, status| ClerkSession::read(data, status, timestamp).map(Box::new);
        let organization = |data| ClerkOrganization::read(data, timestamp).map(Box::new);
        let membership = |data| ClerkOrganizationMembership::read(data, timestamp).map(Box::new);
        match event_type {
            "user.created" => user(data).map(Self::UserCreated),
            "user.updated" => user(data).map(Self::UserUpdated),
            "user.deleted" => DeletedUser::read(data).map(Self::UserDeleted),
            "session.created" => session(data, "active").map(Self::SessionCreated),
            "session.pending" => session(data, "pending").map(Self::SessionPending),
            "session.ended" => session(data, "ended").map(Self::SessionEnded),
            "session.removed" => session(data, "removed").map(Self::SessionRemoved),
            "session.revoked" => session(data, "revoked").map(Self::SessionRevoked),
            "organization.created" => organization(data).map(Self::OrganizationCreated),
            "organization.updated" => organization(data).map(Self::OrganizationUpdated),
            "organization.deleted" => DeletedOrganization::read(data).map(Self::OrganizationDeleted),
            "organizationMembership.created" => membership(data).map(Self::OrganizationMembershipCreated),
            "organizationMembership.updated" => membership(data).map(Self::OrganizationMembershipUpdated),
            "organizationMembership.deleted" => membership(data).map(Self::OrganizationMembershipDeleted),
            _ => Ok(Self::Other {
                event_type: event_type.into(),
                data,
            }),
        }
    }

    /// Returns the type as Clerk writes it, such as `user.created`.
    pub fn event_type(&self) -> &str {
        match self {
            Self::UserCreated(_) => "user.created",
            Self::UserUpdated(_) => "user.updated",
            Self::UserDeleted(_) => "user.deleted",
            Self::SessionCreated(_) => "session.created",
            Self::SessionPending(_) => "session.pending",
            Self::SessionEnded(_) => "session.ended",
            Self::SessionRemoved(_) => "session.removed",
            Self::SessionRevoked(_) => "session.revoked",
            Self::OrganizationCreated(_) => "organization.created",
            Self::OrganizationUpdated(_) => "organization.updated",
            Self::OrganizationDeleted(_) => "organization.deleted",
            Self::OrganizationMembershipCreated(_) => "organizationMembership.created",
            Self::OrganizationMembershipUpdated(_) => "organizationMembership.updated",
            Self::OrganizationMembershipDeleted(_) => "organizationMembership.deleted",
            Self::Other { event_type, .. } => event_type,
        }
    }

    /// Returns the event's data as received; null where it [cannot be read](LenientValue::unreadable).
    pub fn raw(&self) -> &LenientValue {
        match self {
            Self::UserCreated(user) | Self::UserUpdated(user) => user.raw(),
            Self::UserDeleted(user) => user.raw(),
            Self::SessionCreated(session)
            | Self::SessionPending(session)
            | Self::SessionEnded(session)
            | Self::SessionRemoved(session)
            | Self::SessionRevoked(session) => session.raw(),
            Self::OrganizationCreated(organization) | Self::OrganizationUpdated(organization) => {
                organization.raw()
            }
            Self::OrganizationDeleted(organization) => organization.raw(),
            Self::OrganizationMembershipCreated(membership)
            | Self::OrganizationMembershipUpdated(membership)
            | Self::OrganizationMembershipDeleted(membership) => membership.raw(),
            Self::Other { data, .. } => data,
        }
    }
}
