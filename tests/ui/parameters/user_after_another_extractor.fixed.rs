use clerk_auth::{SyncedUser, authenticated};
use axum::extract::Path;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(user: User, Path(_id): Path<u64>) {
    drop(user);
}

fn main() {}
