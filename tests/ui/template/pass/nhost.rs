// Clerk's page "Integrate Nhost with Clerk": the claims in its picture of the dashboard.
#![deny(deprecated)]

use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), version = "iat", template_json = r#"{
    "https://hasura.io/jwt/claims": {
        "x-hasura-allowed-roles": [
            "me",
            "user"
        ],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": "{{user.id}}"
    }
}"#)]
pub struct User {
    pub clerk_id: String,
}

pub fn main() {}
