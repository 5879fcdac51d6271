use std::sync::Arc;

use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, SyncedUser, UserSync, authenticated};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[derive(Clone, axum::extract::FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[authenticated]
async fn handler(_user: Option<Arc<User>>) {}

fn main() {
    let _: Router<AppState> = Router::new().route("/", get(handler));
}
