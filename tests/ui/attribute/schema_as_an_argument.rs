use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(schema = "accounts", table = "users", database(postgres))]
struct User {
    clerk_id: String,
}

fn main() {}
