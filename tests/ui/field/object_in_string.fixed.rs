use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"metadata": "{{user.public_metadata}}", "updatedAt": "{{user.updated_at}}"}"#, allow(unbounded_claims))]
struct User {
    clerk_id: String,
    metadata: serde_json::Value,
}

fn main() {}
