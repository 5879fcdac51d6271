//! The stand-in's organizations and their members.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::time::Timestamp;

/// A user's membership of an organization.
#[derive(Clone)]
pub(super) struct Membership {
    id: String,
    pub(super) organization_id: String,
    pub(super) user_id: String,
    /// `org:admin`.
    pub(super) role: String,
    /// `org:feature:action`.
    pub(super) permissions: Vec<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The organizations by id, and the memberships by the ids of organization and user.
#[derive(Default)]
pub(super) struct Organizations {
    organizations: BTreeMap<String, Value>,
    memberships: BTreeMap<(String, String), Membership>,
}

impl Organizations {
    /// Adds an organization, or changes its name and slug. An absent value keeps the earlier one; for a new
    /// organization it is derived from the id. Returns the object and whether it is new.
    pub(super) fn put(
        &mut self,
        id: &str,
        name: Option<&str>,
        slug: Option<&str>,
        now: Timestamp,
    ) -> (Value, bool) {
        let known = self.organizations.get(id).cloned();
        let is_new = known.is_none();
        let mut organization = known.unwrap_or_else(|| organization_object(id, now));
        for (member, value) in [("name", name), ("slug", slug)] {
            if let Some(value) = value {
                organization[member] = value.into();
            }
        }
        if self.organizations.get(id) != Some(&organization) && !is_new {
            let last = organization["updated_at"].as_i64().unwrap_or(0);
            organization["updated_at"] = now.as_millis().max(last + 1).into();
        }
        self.organizations.insert(id.to_owned(), organization);
        (self.get(id).unwrap_or_default(), is_new)
    }

    /// Returns the object, with the present number of members.
    pub(super) fn get(&self, id: &str) -> Option<Value> {
        let mut organization = self.organizations.get(id)?.clone();
        organization["members_count"] = self.of_organization(id).count().into();
        Some(organization)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.organizations.keys()
    }

    /// Removes an organization and its memberships.
    pub(super) fn remove(&mut self, id: &str) -> Option<Value> {
        self.memberships
            .retain(|(organization_id, _), _| organization_id != id);
        self.organizations.remove(id)
    }

    /// Ends all memberships of a user.
    pub(super) fn remove_user(&mut self, user_id: &str) {
        self.memberships.retain(|(_, member_id), _| member_id != user_id);
    }

    /// Makes a user a member, or changes the role. Returns the membership and whether it is new, or `None` if there is
    /// no such organization.
    pub(super) fn put_member(
        &mut self,
        id: &str,
        user_id: &str,
        role: &str,
        permissions: &[String],
        now: Timestamp,
    ) -> Option<(Membership, bool)> {
        if !self.organizations.contains_key(id) {
            return None;
        }
        let key = (id.to_owned(), user_id.to_owned());
        let known = self.memberships.get(&key);
        let is_new = known.is_none();
        let updated_at = known.map_or(now, |known| now.max(known.updated_at + Duration::from_millis(1)));
        let membership = Membership {
            id: known.map_or_else(|| format!("orgmem_{id}_{user_id}"), |known| known.id.clone()),
            organization_id: key.0.clone(),
            user_id: key.1.clone(),
            role: role.to_owned(),
            permissions: permissions.to_vec(),
            created_at: known.map_or(now, |known| known.created_at),
            updated_at,
        };
        self.memberships.insert(key, membership.clone());
        Some((membership, is_new))
    }

    pub(super) fn member(&self, id: &str, user_id: &str) -> Option<&Membership> {
        self.memberships.get(&(id.to_owned(), user_id.to_owned()))
    }

    pub(super) fn remove_member(&mut self, id: &str, user_id: &str) -> Option<Membership> {
        self.memberships.remove(&(id.to_owned(), user_id.to_owned()))
    }

    pub(super) fn of_organization<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Membership> {
        self.memberships
            .values()
            .filter(move |member| member.organization_id == id)
    }

    pub(super) fn of_user<'a>(&'a self, user_id: &'a str) -> impl Iterator<Item = &'a Membership> {
        self.memberships
            .values()
            .filter(move |member| member.user_id == user_id)
    }

    /// Returns the object of a membership, as Clerk's APIs and webhooks describe one. `user` is the member's object.
    pub(super) fn membership_object(&self, membership: &Membership, user: &Value) -> Value {
        json!({
            "id": membership.id,
            "object": "organization_membership",
            "role": membership.role,
            "role_name": membership.role.strip_prefix("org:").unwrap_or(&membership.role),
            "permissions": membership.permissions,
            "public_metadata": {},
            "organization": self.get(&membership.organization_id),
            "public_user_data": public_user_data(user),
            "created_at": membership.created_at.as_millis(),
            "updated_at": membership.updated_at.as_millis(),
        })
    }
}

/// Returns the part of a user that other members of an organization see.
pub(super) fn public_user_data(user: &Value) -> Value {
    json!({
        "user_id": user["id"],
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "image_url": user["image_url"],
        "has_image": user["has_image"],
        "identifier": identifier(user),
        "username": user["username"],
        "banned": user["banned"],
    })
}

/// Returns the primary e-mail address of a user, or else the id.
pub(super) fn identifier(user: &Value) -> Value {
    let primary = &user["primary_email_address_id"];
    let addresses = user["email_addresses"].as_array().map_or(&[][..], Vec::as_slice);
    let address = addresses
        .iter()
        .find(|address| !primary.is_null() && address["id"] == *primary)
        .map(|address| &address["email_address"]);
    address.unwrap_or(&user["id"]).clone()
}

fn organization_object(id: &str, now: Timestamp) -> Value {
    let name = id.strip_prefix("org_").unwrap_or(id);
    json!({
        "id": id,
        "object": "organization",
        "name": name,
        "slug": name.to_lowercase(),
        "image_url": format!("https://img.clerk.com/{id}"),
        "has_image": false,
        "max_allowed_memberships": 100,
        "admin_delete_enabled": true,
        "public_metadata": {},
        "members_count": 0,
        "pending_invitations_count": 0,
        "created_at": now.as_millis(),
        "updated_at": now.as_millis(),
    })
}
