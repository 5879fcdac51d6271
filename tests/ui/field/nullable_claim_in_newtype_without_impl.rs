use clerk_auth::SyncedUser;

#[derive(Clone, PartialEq)]
struct Name(String);

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    first_name: Name,
}

fn main() {}
