use clerk_auth::SyncedUser;
use std::sync::Arc;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[column(app)]
    plan: Arc<str>,
}

fn main() {}
