// Clerk's page "Integrate Convex with Clerk": the claim that Convex requires.
#![deny(deprecated)]

use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
  "aud": "convex"
}"#)]
pub struct User {
    pub clerk_id: String,
}

pub fn main() {}
