use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), check)]
struct User {
    clerk_id: String,
}

fn main() {}
