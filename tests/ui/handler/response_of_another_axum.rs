use axum_0_7 as axum;
use clerk_auth::{SyncedUser, authenticated};

#[derive(serde::Serialize, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(user: User) -> axum::Json<User> {
    axum::Json(user)
}

fn main() {}
