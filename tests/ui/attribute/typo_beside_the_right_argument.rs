use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(tabel = "users", table = "users", database(postgres))]
struct User {
    clerk_id: String,
}

fn main() {}
