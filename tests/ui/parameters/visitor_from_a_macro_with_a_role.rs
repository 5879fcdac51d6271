use clerk_auth::{SyncedUser, authenticated};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

macro_rules! handler {
    ($user:ty) => {
        #[authenticated(role = "org:admin")]
        async fn handler(_user: $user) {}
    };
}

handler!(Option<User>);

fn main() {}
