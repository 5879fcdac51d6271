//! Organizations and their members as events describe them (Clerk's Backend API, "Organization").

use serde_json::Value;

use super::error::EventError;
use super::member::{Members, check_deleted, object_or_null};
use crate::id::{OrganizationId, OrganizationMembershipId, UserId};
use crate::lenient::LenientValue;
use crate::time::Timestamp;

/// An organization. The most used members have typed fields; [`raw`](Self::raw) contains all. Unreadable members are
/// treated as in a [`ClerkUser`](super::ClerkUser).
///
/// ```
/// use clerk_auth::webhook::Event;
///
/// fn new_organization(event: &Event) -> Option<&str> {
///     match event {
///         Event::OrganizationCreated(organization) => Some(&organization.name),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClerkOrganization {
    /// The organization id.
    pub id: OrganizationId,
    /// The name; empty if the name cannot be read.
    pub name: Box<str>,
    /// The slug, if the instance uses slugs.
    pub slug: Option<Box<str>>,
    /// The logo's address.
    pub image_url: Option<Box<str>>,
    /// The creator.
    pub created_by: Option<UserId>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
    unreadable: Box<[Box<str>]>,
    raw: LenientValue,
}

/// The remains of a deleted organization.
///
/// ```
/// use clerk_auth::id::OrganizationId;
/// use clerk_auth::webhook::Event;
///
/// /// Returns the organization whose data can be removed.
/// fn deleted(event: &Event) -> Option<&OrganizationId> {
///     match event {
///         Event::OrganizationDeleted(organization) => organization.id.as_ref(),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeletedOrganization {
    /// The organization id; optional in Clerk's schema.
    pub id: Option<OrganizationId>,
    /// The slug, if the instance uses slugs.
    pub slug: Option<Box<str>>,
    unreadable: Box<[Box<str>]>,
    raw: LenientValue,
}

/// A user as a member of an organization. Clerk sends the whole membership even after its deletion.
///
/// ```
/// use clerk_auth::webhook::Event;
///
/// fn log_line(event: &Event) -> Option<String> {
///     let (membership, what) = match event {
///         Event::OrganizationMembershipCreated(membership) => (membership, "has joined"),
///         Event::OrganizationMembershipDeleted(membership) => (membership, "has left"),
///         _ => return None,
///     };
///     let user_id = membership.user_id.as_ref()?;
///     Some(format!("{user_id} {what} {} as {}", membership.organization_id, membership.role))
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClerkOrganizationMembership {
    /// The membership id.
    pub id: OrganizationMembershipId,
    /// The role as configured at Clerk, such as `org:admin`. Empty if the role cannot be read, because no role has an
    /// empty name.
    pub role: Box<str>,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The member; optional in Clerk's schema.
    pub user_id: Option<UserId>,
    /// The time at which the user became a member.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
    unreadable: Box<[Box<str>]>,
    raw: LenientValue,
}

impl ClerkOrganization {
    pub(super) fn read(raw: LenientValue, timestamp: Timestamp) -> Result<Self, EventError> {
        let mut organization = Members::new(raw.node(), "data")?;
        organization.check_object("public_metadata");
        Ok(Self {
            id: organization.required_id("id", OrganizationId::new)?,
            name: organization.text_or("name", ""),
            slug: organization.text("slug"),
            image_url: organization.text("image_url"),
            created_by: organization.lenient_id("created_by", UserId::new),
            created_at: organization.time_or("created_at", timestamp),
            updated_at: organization.time_or("updated_at", timestamp),
            unreadable: organization.into_unreadable(&raw),
            raw,
        })
    }

    /// Returns the application's data at Clerk that front ends can read: an object, or null without data.
    pub fn public_metadata(&self) -> &Value {
        object_or_null(&self.raw, "public_metadata")
    }

    /// Returns the organization as received, including members that are newer than this library.
    pub fn raw(&self) -> &LenientValue {
        &self.raw
    }

    /// Lists the unreadable parts; see [`ClerkUser::unreadable`](super::ClerkUser::unreadable).
    pub fn unreadable(&self) -> &[Box<str>] {
        &self.unreadable
    }
}

impl DeletedOrganization {
    pub(super) fn read(raw: LenientValue) -> Result<Self, EventError> {
        let mut organization = Members::new(raw.node(), "data")?;
        check_deleted(&organization)?;
        Ok(Self {
            id: organization.id("id", OrganizationId::new)?,
            slug: organization.text("slug"),
            unreadable: organization.into_unreadable(&raw),
            raw,
        })
    }

    /// Returns the object as received.
    pub fn raw(&self) -> &LenientValue {
        &self.raw
    }

    /// Lists the unreadable parts; see [`ClerkUser::unreadable`](super::ClerkUser::unreadable).
    pub fn unreadable(&self) -> &[Box<str>] {
        &self.unreadable
    }
}

impl ClerkOrganizationMembership {
    pub(super) fn read(raw: LenientValue, timestamp: Timestamp) -> Result<Self, EventError> {
        let mut membership = Members::new(raw.node(), "data")?;
        let organization = membership
            .object("organization", "data.organization")?
            .ok_or_else(|| membership.missing("organization"))?;
        let user = membership.object("public_user_data", "data.public_user_data")?;
        membership.check_object("public_metadata");
        membership.check_array("permissions");
        Ok(Self {
            id: membership.required_id("id", OrganizationMembershipId::new)?,
            role: membership.text_or("role", ""),
            organization_id: organization.required_id("id", OrganizationId::new)?,
            user_id: match user {
                Some(user) => user.id("user_id", UserId::new)?,
                None => None,
            },
            created_at: membership.time_or("created_at", timestamp),
            updated_at: membership.time_or("updated_at", timestamp),
            unreadable: membership.into_unreadable(&raw),
            raw,
        })
    }

    /// Returns the custom and system permissions of the role; `None` if they are missing or not a list. Skips an
    /// unreadable permission.
    ///
    /// ```
    /// use clerk_auth::webhook::ClerkOrganizationMembership;
    ///
    /// fn may_invite(membership: &ClerkOrganizationMembership) -> bool {
    ///     membership.permissions().is_some_and(|mut it| it.any(|held| held == "org:team:invite"))
    /// }
    /// ```
    pub fn permissions(&self) -> Option<impl Iterator<Item = &str>> {
        let listed = self.raw.get("permissions")?.as_array()?;
        Some(listed.iter().filter_map(Value::as_str))
    }

    /// Returns the application's data about the membership at Clerk: an object, or null without data.
    pub fn public_metadata(&self) -> &Value {
        object_or_null(&self.raw, "public_metadata")
    }

    /// Returns the membership as received, including members that are newer than this library.
    pub fn raw(&self) -> &LenientValue {
        &self.raw
    }

    /// Lists the unreadable parts; see [`ClerkUser::unreadable`](super::ClerkUser::unreadable).
    pub fn unreadable(&self) -> &[Box<str>] {
        &self.unreadable
    }
}
