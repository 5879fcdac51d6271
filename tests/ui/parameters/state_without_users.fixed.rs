use clerk_auth::{SyncedUser, authenticated};
use axum::extract::{FromRef, State};
use clerk_auth::Clerk;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: clerk_auth::UserSync<User>,
}

#[authenticated]
async fn handler(_user: User, State(_state): State<AppState>) {}

fn main() {}
