use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#"{"company": "{{org.name}}", "updatedAt": "{{user.updated_at}}"}"#)]
struct User {
    clerk_id: String,
    company: Option<String>,
}

fn main() {}
