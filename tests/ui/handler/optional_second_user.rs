use clerk_auth::{SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct Member {
    clerk_id: String,
}

#[authenticated]
async fn handler(_member: Member, _other: Option<Member>) {}

fn main() {}
