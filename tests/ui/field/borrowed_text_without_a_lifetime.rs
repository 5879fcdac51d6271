use clerk_auth::SyncedUser;
use std::borrow::Cow;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    image_url: Cow<str>,
}

fn main() {}
