use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(
    table = "users",
    database(postgres, sqlite),
    tombstones = "clerk_tombstones",
    deleted_at_column = "deleted_at"
)]
struct User {
    clerk_id: String,
}

fn main() {}
