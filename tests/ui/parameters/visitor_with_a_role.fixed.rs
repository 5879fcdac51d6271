use clerk_auth::{SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated(role = "org:admin")]
async fn handler(_user: User) {}

fn main() {}
