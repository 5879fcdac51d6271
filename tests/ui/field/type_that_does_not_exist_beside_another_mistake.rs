// mistakes: 3
use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    last_name: String,
    #[column(ap)]
    credits: i64,
    #[column(app)]
    plan: Plan,
}

fn main() {}
