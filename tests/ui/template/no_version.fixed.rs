use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"email": "{{user.primary_email_address}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    email: Option<String>,
}

fn main() {}
