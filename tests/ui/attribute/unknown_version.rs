use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres), version = "exp")]
struct User {
    clerk_id: String,
}

fn main() {}
