use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), version = "iat", template_json = r#"{"orgs": "user.organizations"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
