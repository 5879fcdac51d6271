use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), fresh_for = 5)]
struct User {
    clerk_id: String,
}

fn main() {}
