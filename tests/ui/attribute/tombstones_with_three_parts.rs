use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(
    table = "users",
    database(postgres, sqlite),
    tombstones = "main.accounts.clerk_tombstones"
)]
struct User {
    clerk_id: String,
}

fn main() {}
