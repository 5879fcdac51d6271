//! The stand-in's users, as the objects that Clerk's Backend API describes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::user_request::UserChange;
use crate::testing::{set_email, user_object};
use crate::time::Timestamp;

/// The users who have signed in so far, by id.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: BTreeMap<String, Value>,
    deleted: BTreeSet<String>,
}

/// A user after a change.
pub(super) struct Changed {
    pub(super) user: Value,
    pub(super) is_new: bool,
}

impl Directory {
    /// The user after the change; created on first sight. `updated_at` moves only if a value does. `None` for a user who
    /// was deleted: Clerk's ids do not come again.
    pub(super) fn change(&mut self, user_id: &str, change: &UserChange, now: Timestamp) -> Option<Changed> {
        if self.deleted.contains(user_id) {
            return None;
        }
        let is_new = !self.users.contains_key(user_id);
        let user = self
            .users
            .entry(user_id.to_owned())
            .or_insert_with(|| user_object(user_id, now));
        let mut changed = user.clone();
        for (field, value) in [
            ("first_name", &change.first_name),
            ("last_name", &change.last_name),
        ] {
            if let Some(value) = value {
                changed[field] = json!(value);
            }
        }
        for (field, value) in [("banned", change.banned), ("locked", change.locked)] {
            if let Some(value) = value {
                changed[field] = json!(value);
            }
        }
        if let Some(image_url) = &change.image_url {
            changed["image_url"] = json!(image_url);
        }
        if let Some(email) = &change.email {
            set_email(&mut changed, email.as_deref());
        }
        if changed != *user {
            // Two changes of one millisecond are two all the same.
            let last = user["updated_at"].as_i64().unwrap_or(0);
            let at = if is_new {
                now.milliseconds()
            } else {
                now.milliseconds().max(last + 1)
            };
            changed["updated_at"] = json!(at);
            *user = changed;
        }
        Some(Changed {
            user: user.clone(),
            is_new,
        })
    }

    /// Whether there was such a user.
    pub(super) fn delete(&mut self, user_id: &str) -> bool {
        self.deleted.insert(user_id.to_owned());
        self.users.remove(user_id).is_some()
    }
}
