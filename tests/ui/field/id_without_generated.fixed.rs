use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
}

fn main() {}
