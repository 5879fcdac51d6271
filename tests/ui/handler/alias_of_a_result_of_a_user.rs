use axum::http::StatusCode;
use clerk_auth::{SyncedUser, authenticated};

#[derive(serde::Serialize, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

type Reply<T> = Result<T, StatusCode>;

#[authenticated]
async fn handler(user: User) -> Reply<User> {
    Ok(user)
}

fn main() {}
