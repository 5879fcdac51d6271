//! The stand-in's users, as the objects that Clerk's Backend API describes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::token_request::TokenRequest;
use crate::testing::{set_email, user_object};
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
            .or_insert_with(|| user_object(user_id, now));
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
