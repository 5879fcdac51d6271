use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(changed = "externalId"),
    database(postgres, sqlite)
)]
struct User {
    clerk_id: String,
    #[column(updated_at)]
    changed: time::OffsetDateTime,
}

fn main() {}
