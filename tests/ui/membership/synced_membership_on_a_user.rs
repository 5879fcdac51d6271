use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_membership(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    email: Option<String>,
}

fn main() {}
