use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "利用者利用者利用者利用者利用者利用者利用者利用者", database(postgres))]
struct User {
    clerk_id: String,
}

fn main() {}
