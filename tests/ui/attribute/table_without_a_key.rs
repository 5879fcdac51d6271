use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user("users")]
struct User {
    clerk_id: String,
}

fn main() {}
