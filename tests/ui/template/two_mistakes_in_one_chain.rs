// mistakes: 2
use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), template_json = r#"{"name": "{{user.frist_name || user.usrname}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    name: Option<String>,
}

fn main() {}
