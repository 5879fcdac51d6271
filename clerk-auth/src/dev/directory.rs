//! The stand-in's users, as the objects that Clerk's Backend API describes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::token_request::TokenRequest;
use crate::time::Timestamp;

/// The users who have signed in so far, by id.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: BTreeMap<String, Value>,
}

impl Directory {
    /// The user after the request has been applied; created on first sight. `updated_at` moves only if a value does.
    pub(super) fn sign_in(&mut self, user_id: &str, request: &TokenRequest, now: Timestamp) -> Value {
        let user = self
            .users
            .entry(user_id.to_owned())
            .or_insert_with(|| newcomer(user_id, now));
        let mut changed = user.clone();
        for (field, value) in [
            ("first_name", &request.first_name),
            ("last_name", &request.last_name),
        ] {
            if let Some(value) = value {
                changed[field] = json!(value);
            }
        }
        if let Some(image_url) = &request.image_url {
            changed["image_url"] = json!(image_url);
        }
        if let Some(email) = &request.email {
            set_email(&mut changed, email.as_deref());
        }
        if changed != *user {
            changed["updated_at"] = json!(now.milliseconds());
            *user = changed;
        }
        user.clone()
    }
}

/// A user as the Backend API describes one (its version 2026-05-12), reduced to what shortcodes and applications read.
fn newcomer(user_id: &str, now: Timestamp) -> Value {
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
        "created_at": now.milliseconds(),
        "updated_at": now.milliseconds(),
    });
    set_email(&mut user, Some(&format!("{name}@example.com")));
    user
}

fn set_email(user: &mut Value, email: Option<&str>) {
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
        "verification": { "status": "verified", "strategy": "email_code" },
    }]);
    user["primary_email_address_id"] = json!(id);
}
