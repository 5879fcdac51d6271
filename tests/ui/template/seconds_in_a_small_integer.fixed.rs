use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"name": "{{user.created_at}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    name: i64,
}

fn main() {}
