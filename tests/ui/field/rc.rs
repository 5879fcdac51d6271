use clerk_auth::SyncedUser;
use std::rc::Rc;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[column(app)]
    plan: Rc<str>,
}

fn main() {}
