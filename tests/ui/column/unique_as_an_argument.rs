use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[column(unique)]
    email: Option<String>,
}

fn main() {}
