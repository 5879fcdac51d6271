use clerk_auth::{SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

struct Owners;

#[authenticated(row_policy = Owners)]
async fn handler(_user: User) {}

fn main() {}
