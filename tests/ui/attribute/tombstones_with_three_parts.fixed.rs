use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(
    table = "users",
    database(postgres, sqlite),
    tombstones = "accounts.clerk_tombstones"
)]
struct User {
    clerk_id: String,
}

fn main() {}
