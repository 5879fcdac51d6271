//! Changes to the stand-in's users, which are objects as Clerk's Backend API describes them.

use serde_json::{Value, json};

use super::user_request::UserChange;
use crate::testing::endpoints::{Endpoints, locked};
use crate::testing::{set_email, user_object};
use crate::time::Timestamp;

/// A user after a change.
pub(super) struct Changed {
    pub(super) user: Value,
    pub(super) is_new: bool,
}

/// Changes a user, or creates one. `updated_at` changes only if a value does. Returns `None` for a user who was
/// deleted, because Clerk never reuses ids.
pub(super) fn change(
    endpoints: &Endpoints,
    user_id: &str,
    change: &UserChange,
    now: Timestamp,
) -> Option<Changed> {
    let mut users = locked(&endpoints.users);
    if users.was_removed(user_id) {
        return None;
    }
    let known = users.get(user_id);
    let is_new = known.is_none();
    let user = known.unwrap_or_else(|| user_object(user_id, now));
    let mut changed = applied(user.clone(), change);
    if changed != user && !is_new {
        // Two changes within a millisecond get different times.
        let last = user["updated_at"].as_i64().unwrap_or(0);
        changed["updated_at"] = json!(now.as_millis().max(last + 1));
    }
    users.put(changed.clone());
    Some(Changed {
        user: changed,
        is_new,
    })
}

fn applied(mut user: Value, change: &UserChange) -> Value {
    for (field, value) in [
        ("first_name", &change.first_name),
        ("last_name", &change.last_name),
    ] {
        if let Some(value) = value {
            user[field] = json!(value);
        }
    }
    for (field, value) in [("banned", change.banned), ("locked", change.locked)] {
        if let Some(value) = value {
            user[field] = json!(value);
        }
    }
    if let Some(image_url) = &change.image_url {
        user["image_url"] = json!(image_url);
    }
    if let Some(email) = &change.email {
        set_email(&mut user, email.as_deref());
    }
    user
}

/// Deletes a user. Returns whether the user existed.
pub(super) fn delete(endpoints: &Endpoints, user_id: &str) -> bool {
    let mut users = locked(&endpoints.users);
    let is_known = users.get(user_id).is_some();
    users.remove(user_id);
    is_known
}
