use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite), template = "a.json", template_json = "{}")]
struct User {
    clerk_id: String,
}

fn main() {}
