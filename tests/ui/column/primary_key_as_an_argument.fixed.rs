use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(generated)]
    id: i64,
}

fn main() {}
