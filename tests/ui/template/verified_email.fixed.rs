use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"verified": "{{user.email_verified}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
