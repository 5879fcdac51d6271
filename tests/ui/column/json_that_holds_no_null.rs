use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), template_json = r#"{"settings": "{{user.public_metadata.settings}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    #[column(json)]
    settings: Vec<String>,
}

fn main() {}
