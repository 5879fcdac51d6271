use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    #[claim("sub")]
    user_id: String,
    email: Option<String>,
}

fn main() {}
