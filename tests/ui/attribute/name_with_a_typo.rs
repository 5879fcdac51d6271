use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synceduser(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

fn main() {}
