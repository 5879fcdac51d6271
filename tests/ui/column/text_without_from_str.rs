use clerk_auth::SyncedUser;

#[derive(PartialEq)]
struct Picture;

impl clerk_auth::claim::FromClaim<clerk_auth::claim::Text> for Picture {
    fn from_claim(_: &str) -> Result<Self, clerk_auth::claim::InvalidClaim> {
        Ok(Self)
    }
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(text)]
    image_url: Picture,
}

fn main() {}
