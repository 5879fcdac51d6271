//! What an event tells: the type names the variant, and `data` is read as it says.

use super::organization::{ClerkOrganization, ClerkOrganizationMembership, DeletedOrganization};
use super::session::ClerkSession;
use super::user::{ClerkUser, DeletedUser};
use crate::lenient::LenientValue;
use crate::time::Timestamp;

/// An event of Clerk's: typed for users, sessions, organizations and their memberships, and as raw JSON for all others.
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
    /// `user.updated`: also for a user who was banned, locked, or withdrawn by a directory.
    UserUpdated(Box<ClerkUser>),
    /// `user.deleted`
    UserDeleted(DeletedUser),
    /// `session.created`
    SessionCreated(Box<ClerkSession>),
    /// `session.pending`: a task, such as choosing an organization, is still to be done.
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
        /// What came with it; null if nothing did.
        data: LenientValue,
    },
}

/// Why a body is not an event. The sender signed the body, so Clerk sends what Clerk does not document, and no other attempt
/// will be better.
///
/// Nothing that a user can write is among the reasons. They are:
///
/// - the structure of the JSON is broken;
/// - the envelope lacks `object`, `type`, `timestamp` or `instance_id`, or one of them is not what Clerk documents;
/// - `data` is not an object, for a type that is known here;
/// - an identifier without which the event concerns nobody is missing, or unreadable, or duplicated with different values:
///   it is never guessed;
/// - a deletion says `"deleted": false`.
///
/// ```
/// use clerk_auth::id::DeliveryId;
/// use clerk_auth::webhook::Webhook;
///
/// let error = Webhook::parse(DeliveryId::new("msg_1"), br#"{"object": "event", "type": 7}"#).unwrap_err();
/// assert_eq!((error.code(), error.member()), ("webhook_member_malformed", Some("type")));
/// assert_eq!(error.to_string(), "the event's `type` is malformed");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The body is not one JSON object.
    #[error("the body is not a JSON object")]
    Body,
    /// A member that the type needs is not there.
    #[error("the event lacks `{0}`")]
    MemberMissing(Box<str>),
    /// A member cannot be read, is of another kind than Clerk documents, or of another value than it can have.
    #[error("the event's `{0}` is malformed")]
    MemberMalformed(Box<str>),
}

impl Event {
    /// Reads what came with an event of this type, which happened at this time.
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

    /// The type as Clerk writes it, such as `user.created`.
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

    /// What came with the event, as it was received; null where that [cannot be read](LenientValue::unreadable).
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

impl EventError {
    /// The stable word by which reasons are told apart.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Body => "webhook_body_malformed",
            Self::MemberMissing(_) => "webhook_member_missing",
            Self::MemberMalformed(_) => "webhook_member_malformed",
        }
    }

    /// The path of the member, such as `data.updated_at`.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Body => None,
            Self::MemberMissing(member) | Self::MemberMalformed(member) => Some(member),
        }
    }
}
