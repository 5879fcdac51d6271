use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[column(app, nullable)]
    credits: i64,
}

fn main() {}
