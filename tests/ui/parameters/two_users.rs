use clerk_auth::{SyncedUser, authenticated};
use std::sync::Arc;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(user: User, _other: Arc<User>) {
    drop(user);
}

fn main() {}
