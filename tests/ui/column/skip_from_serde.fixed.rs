use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(app)]
    credits: i64,
}

fn main() {}
