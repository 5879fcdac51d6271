use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"email": "{{user.primary_email_address}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(email),
    database(postgres, sqlite)
)]
struct User {
    clerk_id: String,
    email: Option<String>,
}

fn main() {}
