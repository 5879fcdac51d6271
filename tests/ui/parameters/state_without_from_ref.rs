use clerk_auth::{Clerk, SyncedUser, UserSync, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
}

#[derive(Clone)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[authenticated(state = AppState)]
async fn handler(_user: User) {}

fn main() {}
