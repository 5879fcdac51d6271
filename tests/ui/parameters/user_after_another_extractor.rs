use clerk_auth::{SyncedUser, authenticated};
use axum::extract::Path;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(Path(_id): Path<u64>, user: User) {
    drop(user);
}

fn main() {}
