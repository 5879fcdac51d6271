use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
struct User {
    clerk_id: String,
}

fn main() {}
