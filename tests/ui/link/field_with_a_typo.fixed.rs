use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(id = "externalId"),
    database(postgres, sqlite)
)]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
}

fn main() {}
