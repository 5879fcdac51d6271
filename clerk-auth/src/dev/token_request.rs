//! The body of `POST /dev/token`.

use serde::Deserialize;

use super::user_request::{UserChange, present};

/// The user to sign in, and the properties of the token; every member may be omitted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokenRequest {
    pub(super) user_id: Option<String>,
    /// Null clears the value. An absent member changes nothing, as for every other member.
    #[serde(deserialize_with = "present")]
    pub(super) email: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub(super) first_name: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub(super) last_name: Option<Option<String>>,
    /// Never null: Clerk serves a default picture.
    pub(super) image_url: Option<String>,
    pub(super) org: Option<ActiveOrganization>,
    /// Seconds from now until the token expires; negative for a token that has expired.
    pub(super) expires_in: Option<i64>,
    /// Claims to leave out, custom or standard.
    pub(super) omit_claims: Vec<String>,
    /// A token of the stand-in whose claims are copied, as Clerk's edge copies them. Excludes every other member except
    /// `expires_in`.
    pub(super) edge_of: Option<String>,
}

/// The organization that is active in the session.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActiveOrganization {
    pub(super) id: String,
    pub(super) slug: String,
    /// `org:admin` or `admin`.
    pub(super) role: String,
    /// `org:feature:action`.
    #[serde(default)]
    pub(super) permissions: Vec<String>,
}

impl TokenRequest {
    /// Returns whether the request sets claims, which is impossible for an edge mint, because it copies every claim.
    pub(super) fn asks_for_claims(&self) -> bool {
        let Self {
            user_id,
            email,
            first_name,
            last_name,
            image_url,
            org,
            expires_in: _,
            omit_claims,
            edge_of: _,
        } = self;
        user_id.is_some()
            || email.is_some()
            || first_name.is_some()
            || last_name.is_some()
            || image_url.is_some()
            || org.is_some()
            || !omit_claims.is_empty()
    }

    /// Returns the changes that the user makes before signing in.
    pub(super) fn change(&self) -> UserChange {
        UserChange {
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            image_url: self.image_url.clone(),
            ..UserChange::default()
        }
    }
}
