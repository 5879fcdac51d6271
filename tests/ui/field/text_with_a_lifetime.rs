// mistakes: 2
use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    first_name: Option<String<'a>>,
}

fn main() {}
