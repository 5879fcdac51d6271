// mistakes: 8
use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(tabel = "users", table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    first_name: String,
    image_url: bool,
    frist_name: Option<String>,
    #[column(generated, app)]
    id: i64,
    #[claim(default, required)]
    email: String,
    #[column(name = "")]
    last_name: Option<String>,
    #[column(app)]
    credits: Credits,
}

#[derive(Clone)]
struct Credits(i64);

fn main() {}
