//! The body of `POST /dev/token`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Whom to sign in, and what the token should look like; every member may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokenRequest {
    pub(super) user_id: Option<String>,
    /// Null clears; absent, like every other member, changes nothing.
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

fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl ActiveOrganization {
    /// The claims of a version 2 token: `o` with the role without its prefix, features in `fea`, and a mask per feature
    /// over the actions of `per` (Clerk's documentation, "Session tokens").
    pub(super) fn claims(&self) -> Map<String, Value> {
        let mut features: Vec<&str> = Vec::new();
        let mut actions: Vec<&str> = Vec::new();
        let granted: Vec<(&str, &str)> = self
            .permissions
            .iter()
            .filter_map(|permission| {
                permission
                    .strip_prefix("org:")
                    .unwrap_or(permission)
                    .rsplit_once(':')
            })
            .collect();
        for &(feature, action) in &granted {
            if !features.contains(&feature) {
                features.push(feature);
            }
            if !actions.contains(&action) {
                actions.push(action);
            }
        }
        let masks = features.iter().map(|feature| {
            let bits = actions.iter().enumerate();
            bits.filter(|(_, action)| granted.contains(&(feature, action)))
                .fold(0_u128, |mask, (bit, _)| {
                    mask | 1_u128.checked_shl(bit as u32).unwrap_or(0)
                })
                .to_string()
        });
        let mut organization = json!({
            "id": self.id,
            "slg": self.slug,
            "rol": self.role.strip_prefix("org:").unwrap_or(&self.role),
        });
        let mut claims = Map::new();
        if !features.is_empty() {
            organization["per"] = actions.join(",").into();
            organization["fpm"] = masks.collect::<Vec<_>>().join(",").into();
            let scoped: Vec<String> = features.iter().map(|feature| format!("o:{feature}")).collect();
            claims.insert("fea".to_owned(), scoped.join(",").into());
        }
        claims.insert("o".to_owned(), organization);
        claims
    }
}
