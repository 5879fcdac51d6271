use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(crate = "::clerk", table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    image_url: String,
}

fn main() {}
