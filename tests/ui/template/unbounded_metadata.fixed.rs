use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"metadata": "{{user.public_metadata.plan}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
