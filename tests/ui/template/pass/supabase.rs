// Clerk's page "Integrate Supabase with Clerk": the claim that Supabase requires.
#![deny(deprecated)]

use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
  "role": "authenticated"
}"#)]
pub struct User {
    pub clerk_id: String,
}

pub fn main() {}
