use clerk_auth::SyncedUser;

#[derive(serde::Serialize, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
    #[serde(rename = "firstName")]
    #[claim("firstName")]
    given_name: Option<String>,
}

fn main() {}
