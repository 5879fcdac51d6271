use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres), template_json = r#""#)]
struct User {
    clerk_id: String,
}

fn main() {}
