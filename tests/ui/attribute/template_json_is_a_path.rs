use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = "clerk/session-token.json")]
struct User {
    clerk_id: String,
}

fn main() {}
