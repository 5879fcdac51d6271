//! The number has no unit.

use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), fresh_for = "5")]
struct User {
    clerk_id: String,
    email: Option<String>,
}

fn main() {}
