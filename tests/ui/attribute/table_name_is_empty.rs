use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "", database(postgres))]
struct User {
    clerk_id: String,
}

fn main() {}
