//! The body of `POST /dev/settings`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::instance::{Instance, Minter, Settings};
use crate::testing::endpoints::locked;

/// An absent member changes nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SettingsRequest {
    minter: Option<MinterName>,
    /// In seconds.
    token_lifetime: Option<i64>,
    organizations: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MinterName {
    Origin,
    Edge,
}

impl SettingsRequest {
    pub(super) fn apply(&self, settings: &mut Settings) {
        if let Some(minter) = self.minter {
            settings.minter = match minter {
                MinterName::Origin => Minter::Origin,
                MinterName::Edge => Minter::Edge,
            };
        }
        if let Some(lifetime) = self.token_lifetime {
            settings.token_lifetime = lifetime;
        }
        if let Some(has_organizations) = self.organizations {
            settings.has_organizations = has_organizations;
        }
    }
}

impl Instance {
    pub(super) fn settings_object(&self) -> Value {
        let settings = locked(&self.settings);
        let minter = match settings.minter {
            Minter::Origin => "origin",
            Minter::Edge => "edge",
        };
        json!({
            "minter": minter,
            "token_lifetime": settings.token_lifetime,
            "organizations": settings.has_organizations,
            "publishable_key": self.publishable_key,
            "proxy_url": self.proxy_url(),
        })
    }
}
