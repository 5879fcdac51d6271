use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
    email: Option<String>,
    #[column(name = "Email")]
    first_name: Option<String>,
}

fn main() {}
