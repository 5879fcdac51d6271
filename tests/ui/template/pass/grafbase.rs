// Clerk's page "Integrate Grafbase with Clerk", "Map additional claims", today and before.
#![deny(deprecated)]

use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
  "groups": ["org:admin", "org:member"]
}"#)]
pub struct User {
    pub clerk_id: String,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
  "groups": ["{{org.role}}"]
}"#)]
pub struct Second {
    pub clerk_id: String,
}

pub fn main() {}
