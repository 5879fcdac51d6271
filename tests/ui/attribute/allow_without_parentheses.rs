use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), allow = "unbounded_claims")]
struct User {
    clerk_id: String,
}

fn main() {}
