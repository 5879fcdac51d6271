use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"a": "{{user.image_url}}", "b": "{{user.image_url}}", "c": "{{user.image_url}}", "d": "{{user.image_url}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
