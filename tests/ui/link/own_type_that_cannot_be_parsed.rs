use clerk_auth::SyncedUser;

#[derive(PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Legacy(i64);

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(id = "externalId"),
    database(postgres, sqlite)
)]
struct User {
    #[column(generated, sql_type = "BIGINT")]
    id: Legacy,
    clerk_id: String,
}

fn main() {}
