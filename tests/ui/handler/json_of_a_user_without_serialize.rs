use axum::Json;
use clerk_auth::{SyncedUser, authenticated};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(user: User) -> Json<User> {
    Json(user)
}

fn main() {}
