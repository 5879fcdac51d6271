use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User<T> {
    clerk_id: T,
}

fn main() {}
