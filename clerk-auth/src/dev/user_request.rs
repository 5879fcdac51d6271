//! The bodies of the requests that change a user, as the user or an operator in Clerk's dashboard would.

use serde::{Deserialize, Deserializer};

use super::deliveries::Faults;

/// The changes to a user. Null clears; an absent member changes nothing.
#[derive(Debug, Default)]
pub(super) struct UserChange {
    pub(super) email: Option<Option<String>>,
    pub(super) first_name: Option<Option<String>>,
    pub(super) last_name: Option<Option<String>>,
    /// Never null: Clerk serves a default picture.
    pub(super) image_url: Option<String>,
    pub(super) banned: Option<bool>,
    pub(super) locked: Option<bool>,
}

/// The body of `POST /dev/users/{id}`; every member may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UserRequest {
    #[serde(deserialize_with = "present")]
    email: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    first_name: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    last_name: Option<Option<String>>,
    image_url: Option<String>,
    banned: Option<bool>,
    locked: Option<bool>,
    /// The faults of the delivery that reports the change.
    pub(super) webhook: Faults,
}

/// The body of the requests that only send a webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FaultsRequest {
    /// The faults of the delivery.
    pub(super) webhook: Faults,
}

impl UserRequest {
    pub(super) fn into_change(self) -> UserChange {
        UserChange {
            email: self.email,
            first_name: self.first_name,
            last_name: self.last_name,
            image_url: self.image_url,
            banned: self.banned,
            locked: self.locked,
        }
    }
}

/// Distinguishes null, which clears, from an absent member, which does not.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
