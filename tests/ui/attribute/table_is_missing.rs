use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(database(postgres))]
struct User {
    clerk_id: String,
}

fn main() {}
