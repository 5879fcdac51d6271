use axum::extract::FromRef;
use clerk_auth::{Clerk, SyncedOrganization, SyncedUser, UserSync, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres, sqlite))]
struct Organization {
    clerk_id: String,
    name: String,
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<User>,
}

#[authenticated(state = AppState)]
async fn handler(_user: User, _organization: Option<Organization>) {}

fn main() {}
