// mistakes: 2
use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"first_name": "{{user.first_name}}", "last_name": "{{user.last_name}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    first_name: Option<String>,
    last_name: Option<String>,
}

fn main() {}
