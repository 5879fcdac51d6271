use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"name": "{{user.first_name || 'it’s you'}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    name: String,
}

fn main() {}
