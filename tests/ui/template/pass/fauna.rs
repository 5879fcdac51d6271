// Clerk's page "Integrate Fauna with Clerk": "`aud` is the only required one".
#![deny(deprecated)]

use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
  "aud": "https://db.fauna.com/db/<YOUR_FAUNA_DB_ID>"
}"#)]
pub struct User {
    pub clerk_id: String,
}

pub fn main() {}
