use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"key": "{{user.primary_email_address}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(id = "key"),
    database(postgres, sqlite)
)]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
}

fn main() {}
