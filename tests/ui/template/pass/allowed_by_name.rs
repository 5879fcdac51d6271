// Unknown shortcodes, and shortcodes of unbounded size.
#![deny(deprecated)]

use clerk_auth::SyncedUser;
use clerk_auth::claim::InvalidClaim;
use serde_json::Value;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    database(postgres, sqlite),
    version = "iat",
    allow(unbounded_claims, unknown_shortcodes),
    template_json = r#"{
        "orgs": "{{user.organizations}}",
        "locale": "{{user.locale}}",
        "language": "{{user.locale || 'en'}}",
        "hasImage": "{{user.has_image}}",
        "wallet": "{{user.primary_web3_wallet}}",
        "role": "{{user.public_metadata.role}}"
    }"#
)]
pub struct User {
    pub clerk_id: String,
    pub orgs: Value,
    pub locale: Option<Value>,
    pub language: Value,
    pub has_image: bool,
    pub wallet: Option<String>,
    #[claim(with = role)]
    pub role: String,
}

fn role(claim: Option<&Value>) -> Result<String, InvalidClaim> {
    Ok(claim.and_then(Value::as_str).unwrap_or("member").to_owned())
}

pub fn main() {}
