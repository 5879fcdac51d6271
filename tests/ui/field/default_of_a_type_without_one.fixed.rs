use clerk_auth::SyncedUser;
use clerk_auth::claim::{FromClaim, InvalidClaim, Text};

#[derive(PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Name(String);

impl FromClaim<Text> for Name {
    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        Ok(Self(text.to_owned()))
    }
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[claim(required)]
    first_name: Name,
}

fn main() {}
