use axum::http::StatusCode;
use clerk_auth::{SyncedUser, authenticated};

#[derive(serde::Serialize, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(user: User) -> Result<User, StatusCode> {
    Ok(user)
}

fn main() {}
