use clerk_auth::SyncedUser;

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(name = "a_name_that_goes_on_and_on_until_the_database_cuts_it_off_somewhere")]
    email: Option<String>,
}

fn main() {}
