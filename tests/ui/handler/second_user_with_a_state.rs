use axum::extract::FromRef;
use clerk_auth::{Clerk, SyncedUser, UserSync, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct Member {
    clerk_id: String,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    members: UserSync<Member>,
}

#[authenticated(state = AppState)]
async fn handler(_member: Member, _other: Option<Member>, _: String) {}

fn main() {}
