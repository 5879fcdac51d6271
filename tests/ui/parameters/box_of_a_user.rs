use clerk_auth::{SyncedUser, authenticated};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(_user: Box<User>) {}

fn main() {}
