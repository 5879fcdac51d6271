use clerk_auth::SyncedUser;

use clerk_auth::claim::{FromClaim, InvalidClaim, Text};

#[derive(Clone, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Url(String);

impl FromClaim<Text> for Url {
    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        Ok(Self(text.to_owned()))
    }
}

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    image_url: Url,
}

fn main() {}
