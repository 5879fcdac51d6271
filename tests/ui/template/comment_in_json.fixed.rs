use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
