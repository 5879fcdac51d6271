use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(legacy_id = "externalId"),
    database(postgres, sqlite)
)]
struct User {
    clerk_id: String,
    #[column(app)]
    legacy_id: Option<i64>,
}

fn main() {}
