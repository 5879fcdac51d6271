use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
enum User {
    Somebody,
}

fn main() {}
