use clerk_auth::policy::{Denied, RowPolicy};
use clerk_auth::{Session, SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

struct Owners;

impl RowPolicy<User> for Owners {
    fn evaluate(_: &User, _: &Session) -> Result<(), Denied> {
        Ok(())
    }
}

#[authenticated(policy = Owners)]
async fn handler(_user: User) {}

fn main() {}
