use clerk_auth::SyncedUser;
use std::cell::Cell;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(app)]
    credits: i64,
}

fn main() {}
