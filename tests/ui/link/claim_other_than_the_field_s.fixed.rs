use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(
    table = "users",
    template_json = r#"{"externalId": "{{user.external_id}}", "other": "{{user.public_metadata.id}}", "updatedAt": "{{user.updated_at}}"}"#,
    link(external_id),
    database(postgres, sqlite), allow(unused_claims)
)]
struct User {
    clerk_id: String,
    external_id: Option<String>,
}

fn main() {}
