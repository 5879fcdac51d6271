use clerk_auth::{Session, SyncedUser, authenticated};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
}

#[authenticated]
async fn handler(_session: Session, user: User) {
    drop(user.clerk_id);
}

fn main() {}
