use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(legacy = "externalId"),
    database(postgres, sqlite)
)]
struct User {
    clerk_id: String,
    #[column(app, json)]
    legacy: Option<Vec<i64>>,
}

fn main() {}
