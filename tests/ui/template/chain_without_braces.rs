use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), version = "iat", allow(unused_claims), template_json = r#"{"name": "user.first_name || 'friend'"}"#)]
struct User {
    clerk_id: String,
}

fn main() {}
