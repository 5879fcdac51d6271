use clerk_auth::SyncedUser;

#[derive(Clone, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Url(String);

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[claim(parse)]
    image_url: Url,
}

fn main() {}
