use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"plan": "{{user.public_metadata.plan}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    plan: Option<serde_json::Value>,
}

fn main() {}
