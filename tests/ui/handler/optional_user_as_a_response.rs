use clerk_auth::{SyncedUser, authenticated};

#[derive(serde::Serialize, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(user: Option<User>) -> Option<User> {
    user
}

fn main() {}
