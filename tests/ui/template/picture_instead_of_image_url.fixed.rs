use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"name": "{{user.image_url}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    name: String,
}

fn main() {}
