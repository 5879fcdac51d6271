use clerk_auth::SyncedUser;

macro_rules! user {
    ($email:ty) => {
        #[derive(SyncedUser)]
        #[synced_user(table = "users", database(postgres))]
        struct User {
            clerk_id: String,
            email: $email,
        }
    };
}

user!(String);

fn main() {}
