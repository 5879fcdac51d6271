use clerk_auth::SyncedUser;

struct Settings;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(app, json)]
    settings: Settings,
}

fn main() {}
