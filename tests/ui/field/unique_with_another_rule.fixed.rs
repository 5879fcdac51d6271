use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[claim(unique = "refuse")]
    email: Option<String>,
}

fn main() {}
