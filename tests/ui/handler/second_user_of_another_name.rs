use clerk_auth::{Session, SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct Member {
    clerk_id: String,
}

#[authenticated]
async fn handler(_session: Session, _member: Member) {}

fn main() {}
