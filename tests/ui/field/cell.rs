use clerk_auth::SyncedUser;
use std::cell::Cell;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(app)]
    credits: Cell<i64>,
}

fn main() {}
