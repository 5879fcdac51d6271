use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), fresh_for = "5s")]
struct User {
    clerk_id: String,
}

fn main() {}
