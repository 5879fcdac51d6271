use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(tabel = "users", database(postgres))]
struct User {
    clerk_id: String,
}

fn main() {}
