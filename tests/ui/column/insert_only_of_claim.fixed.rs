use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[claim(insert_only)]
    first_name: Option<String>,
}

fn main() {}
