use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"updatedAt": "{{user.updated_at}}"}"#, template = "clerk/session-token.json")]
struct User {
    clerk_id: String,
}

fn main() {}
