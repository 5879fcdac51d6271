use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[claims("firstName")]
    given_name: Option<String>,
}

fn main() {}
