use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(
    table = "users",
    database(postgres, sqlite),
    tombstones = "the_users_who_have_closed_their_account_and_must_not_come_back_again"
)]
struct User {
    clerk_id: String,
}

fn main() {}
