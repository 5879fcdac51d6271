use clerk_auth::{SyncedUser, authenticated};

use axum::extract::{FromRef, State};
use clerk_auth::{Clerk, UserSync};

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(_user: User, State(_state): State<AppState>) {}

fn main() {}
