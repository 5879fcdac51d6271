//! The stand-in's directory as one JSON document: all users, organizations and memberships.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::instance::Instance;
use crate::testing::endpoints::locked;
use crate::testing::{set_email, user_object};
use crate::time::{Clock, SystemClock, Timestamp};

/// A directory; each part may be omitted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Seed {
    users: Vec<Value>,
    organizations: Vec<OrganizationSeed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationSeed {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    members: Vec<MemberSeed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberSeed {
    user_id: String,
    role: String,
    #[serde(default)]
    permissions: Vec<String>,
}

impl Instance {
    /// Replaces the directory, and forgets every browser, session and ticket. Sends no webhooks.
    pub(super) fn replace_directory(&self, seed: &Seed) -> Result<(), String> {
        let now = SystemClock.now();
        let mut ids = BTreeSet::new();
        let mut users = Vec::new();
        for (place, given) in seed.users.iter().enumerate() {
            let user = user(given, now).map_err(|problem| format!("/users/{place}: {problem}"))?;
            if !ids.insert(user["id"].to_string()) {
                return Err(format!(
                    "/users/{place}: {} appears twice; remove one",
                    user["id"]
                ));
            }
            users.push(user);
        }
        for (place, organization) in seed.organizations.iter().enumerate() {
            if !ids.insert(format!("organization {}", organization.id)) {
                return Err(format!(
                    "/organizations/{place}: `{}` appears twice; remove one",
                    organization.id
                ));
            }
            for member in &organization.members {
                if !ids.contains(&json!(member.user_id).to_string()) {
                    return Err(format!(
                        "/organizations/{place}/members: `{}` is not a user of the directory; add them to `users`",
                        member.user_id
                    ));
                }
            }
        }
        let mut directory = locked(&self.endpoints.users);
        directory.clear();
        for user in users {
            directory.put(user);
        }
        drop(directory);
        let mut organizations = locked(&self.organizations);
        *organizations = Default::default();
        for organization in &seed.organizations {
            let (name, slug) = (organization.name.as_deref(), organization.slug.as_deref());
            organizations.put(&organization.id, name, slug, now);
            for member in &organization.members {
                organizations.put_member(
                    &organization.id,
                    &member.user_id,
                    &member.role,
                    &member.permissions,
                    now,
                );
            }
        }
        drop(organizations);
        locked(&self.clients).clear();
        Ok(())
    }

    /// Returns the directory in the form that [`replace_directory`](Self::replace_directory) accepts.
    pub(super) fn directory(&self) -> Value {
        let users: Vec<Value> = locked(&self.endpoints.users).kept().cloned().collect();
        let organizations = locked(&self.organizations);
        let organizations: Vec<Value> = organizations
            .ids()
            .filter_map(|id| {
                let organization = organizations.get(id)?;
                let members = organizations.of_organization(id).map(|member| {
                    json!({
                        "user_id": member.user_id,
                        "role": member.role,
                        "permissions": member.permissions,
                    })
                });
                Some(json!({
                    "id": id,
                    "name": organization["name"],
                    "slug": organization["slug"],
                    "members": members.collect::<Vec<Value>>(),
                }))
            })
            .collect();
        json!({ "users": users, "organizations": organizations })
    }
}

/// Returns a complete user object with the given members. `email` is short for one verified address.
fn user(given: &Value, now: Timestamp) -> Result<Value, String> {
    let members = given
        .as_object()
        .ok_or_else(|| format!("expected a user object, found {given}"))?;
    let id = members.get("id").and_then(Value::as_str);
    let id = id
        .filter(|id| !id.is_empty())
        .ok_or("expected a text `id`, such as `user_ada`")?;
    let mut user = user_object(id, now);
    for (name, value) in members {
        match (name.as_str(), value) {
            ("email", Value::Null) => set_email(&mut user, None),
            ("email", Value::String(email)) => set_email(&mut user, Some(email)),
            ("email", other) => return Err(format!("expected an address or null in `email`, found {other}")),
            _ => user[name] = value.clone(),
        }
    }
    Ok(user)
}
