use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"name": "{{user.public_metadata}}", "updatedAt": "{{user.updated_at}}"}"#, allow(unbounded_claim))]
struct User {
    clerk_id: String,
    name: serde_json::Value,
}

fn main() {}
