// Clerk's page "JWT templates", "Complete example": its comments.
use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), version = "iat", template_json = r#"{
  // static values
  "aud": "https://my-site.com",
  "version": 1
}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
