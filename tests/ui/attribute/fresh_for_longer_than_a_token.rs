//! A row would be older than any session token can be.

use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), fresh_for = "5000s")]
struct User {
    clerk_id: String,
    email: Option<String>,
}

fn main() {}
