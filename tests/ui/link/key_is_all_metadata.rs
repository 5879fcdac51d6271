use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"key": "{{user.public_metadata}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(id = "key"),
    database(postgres, sqlite), allow(unbounded_claims)
)]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
}

fn main() {}
