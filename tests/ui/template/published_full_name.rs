// mistakes: 2
// Clerk's page "JWT templates", "Interpolation in shortcodes".
use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), version = "iat", template_json = r#"{
  "full_name": "{{user.last_name}} {{user.first_name}}"
}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
