// Clerk's page "Integrate InstantDB with Clerk".
#![deny(deprecated)]

use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
  "email": "{{user.primary_email_address}}"
}"#)]
pub struct User {
    pub clerk_id: String,
    pub email: Option<String>,
}

pub fn main() {}
