use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"name": "{{user.first_name}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
