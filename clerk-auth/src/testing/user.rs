//! Users, sessions and memberships as Clerk's Backend API and webhooks describe them.

use serde_json::{Value, json};

use crate::time::Timestamp;

/// Returns a user object of Clerk's Backend API (its version 2026-05-12), reduced to the members that shortcodes and
/// applications read. The user is created `now`, with one verified e-mail address and no name. Tests may change any
/// member.
///
/// ```
/// use clerk_auth::testing::user_object;
/// use clerk_auth::time::Timestamp;
///
/// let mut ada = user_object("user_ada", Timestamp::from_secs(1_700_000_000));
/// ada["first_name"] = "Ada".into();
/// assert_eq!(ada["email_addresses"][0]["email_address"], "ada@example.com");
/// assert_eq!(ada["updated_at"], 1_700_000_000_000_i64);
/// ```
pub fn user_object(user_id: &str, now: Timestamp) -> Value {
    let name = user_id.strip_prefix("user_").unwrap_or(user_id);
    let mut user = json!({
        "id": user_id,
        "object": "user",
        "external_id": null,
        "username": null,
        "first_name": null,
        "last_name": null,
        "image_url": format!("https://img.clerk.com/{name}"),
        "has_image": false,
        "primary_email_address_id": null,
        "primary_phone_number_id": null,
        "email_addresses": [],
        "phone_numbers": [],
        "public_metadata": {},
        "unsafe_metadata": {},
        "two_factor_enabled": false,
        "banned": false,
        "locked": false,
        "created_at": now.as_millis(),
        "updated_at": now.as_millis(),
    });
    set_email(&mut user, Some(&format!("{name}@example.com")));
    user
}

/// Returns a session object of Clerk's webhooks, in a status such as `active`, `ended`, `removed` or `revoked`.
///
/// ```
/// use clerk_auth::testing::session_object;
/// use clerk_auth::time::Timestamp;
///
/// let session = session_object("sess_ada", "user_ada", "ended", Timestamp::from_secs(1_700_000_000));
/// assert_eq!(session["user_id"], "user_ada");
/// ```
pub fn session_object(session_id: &str, user_id: &str, status: &str, now: Timestamp) -> Value {
    let expires = now + std::time::Duration::from_secs(7 * 24 * 60 * 60);
    json!({
        "id": session_id,
        "object": "session",
        "client_id": "client_testing",
        "user_id": user_id,
        "status": status,
        "last_active_at": now.as_millis(),
        "expire_at": expires.as_millis(),
        "abandon_at": expires.as_millis(),
        "created_at": now.as_millis(),
        "updated_at": now.as_millis(),
    })
}

/// Returns an organization of Clerk's webhooks and of its Backend API, created or changed `now`. Tests may change any member.
///
/// ```
/// use clerk_auth::testing::{event, organization_object};
/// use clerk_auth::time::Timestamp;
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let mut organization = organization_object("org_analysts", now);
/// organization["name"] = "Analysts".into();
/// let renamed = event("organization.updated", organization, now);
/// assert_eq!(renamed["data"]["slug"], "analysts");
/// ```
pub fn organization_object(organization_id: &str, now: Timestamp) -> Value {
    let name = organization_id.strip_prefix("org_").unwrap_or(organization_id);
    let now = now.as_millis();
    json!({
        "id": organization_id,
        "object": "organization",
        "name": name,
        "slug": name,
        "has_image": false,
        "max_allowed_memberships": 5,
        "admin_delete_enabled": true,
        "public_metadata": {},
        "created_at": now,
        "updated_at": now,
    })
}

/// Returns a membership of Clerk's webhooks, without permissions. The user became a member, or the role was changed, at
/// `now`. Tests may change any member.
///
/// ```
/// use clerk_auth::testing::{event, membership_object};
/// use clerk_auth::time::Timestamp;
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let mut membership = membership_object("user_ada", "org_1", "org:admin", now);
/// membership["permissions"] = serde_json::json!(["org:notes:write"]);
/// let removed = event("organizationMembership.deleted", membership, now);
/// assert_eq!(removed["data"]["public_user_data"]["user_id"], "user_ada");
/// ```
pub fn membership_object(user_id: &str, organization_id: &str, role: &str, now: Timestamp) -> Value {
    let name = organization_id.strip_prefix("org_").unwrap_or(organization_id);
    let organization = organization_object(organization_id, now);
    let now = now.as_millis();
    json!({
        "id": format!("orgmem_{name}_{user_id}"),
        "object": "organization_membership",
        "role": role,
        "role_name": role.strip_prefix("org:").unwrap_or(role),
        "permissions": [],
        "public_metadata": {},
        "organization": organization,
        "public_user_data": {
            "user_id": user_id,
            "first_name": null,
            "last_name": null,
            "image_url": format!("https://img.clerk.com/{user_id}"),
            "has_image": false,
        },
        "created_at": now,
        "updated_at": now,
    })
}

/// Sets the only e-mail address of a user object, verified and primary, or removes all addresses.
///
/// ```
/// use clerk_auth::testing::{set_email, user_object};
/// use clerk_auth::time::Timestamp;
///
/// let mut ada = user_object("user_ada", Timestamp::from_secs(1_700_000_000));
/// set_email(&mut ada, None);
/// assert!(ada["primary_email_address_id"].is_null());
/// ```
pub fn set_email(user: &mut Value, email: Option<&str>) {
    let Some(email) = email else {
        user["primary_email_address_id"] = Value::Null;
        user["email_addresses"] = json!([]);
        return;
    };
    let id = format!("idn_{email}");
    user["email_addresses"] = json!([{
        "id": id,
        "object": "email_address",
        "email_address": email,
        "linked_to": [],
        "verification": { "status": "verified", "strategy": "email_code" },
    }]);
    user["primary_email_address_id"] = json!(id);
}
