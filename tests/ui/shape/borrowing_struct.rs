use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User<'a> {
    clerk_id: &'a str,
}

fn main() {}
