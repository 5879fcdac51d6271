use clerk_auth::{SyncedUser, authenticated};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(user: User) -> String {
    user.clerk_id
}

fn main() {}
