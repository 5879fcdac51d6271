use clerk_auth::SyncedUser;

#[derive(Clone)]
struct Credits(i64);

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(app)]
    credits: Credits,
}

fn main() {}
