use std::sync::Arc;

use clerk_auth::{SyncedUser, authenticated};

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct Member {
    clerk_id: String,
}

type Me = Arc<Member>;

#[authenticated]
async fn handler(_member: Member, _me: Me) {}

fn main() {}
