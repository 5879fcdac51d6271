use clerk_auth::routing::{Router, get};
use clerk_auth::{Clerk, SyncedUser, authenticated};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(_user: User) {}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(handler));
}
