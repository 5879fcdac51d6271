use axum::extract::Path;
use clerk_auth::{SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct Member {
    clerk_id: String,
}

#[authenticated]
async fn handler(_member: Member, Path(_id): Path<u64>) {}

fn main() {}
