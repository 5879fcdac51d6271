use clerk_auth::SyncedUser;

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[column(text)]
    first_name: std::net::IpAddr,
}

fn main() {}
