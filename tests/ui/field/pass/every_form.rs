use clerk_auth::SyncedUser;

use clerk_auth::claim::{FromClaim, InvalidClaim, Text};

#[derive(Clone, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Email(String);

impl FromClaim<Text> for Email {
    fn from_claim(text: &str) -> Result<Self, InvalidClaim> {
        Ok(Self(text.to_lowercase()))
    }
}

#[derive(Clone, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
struct Picture(String);

impl std::str::FromStr for Picture {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

type Name = Option<String>;

fn shout(text: Option<&str>) -> Result<Option<String>, InvalidClaim> {
    Ok(text.map(str::to_uppercase))
}

#[derive(Clone, SyncedUser)]
#[synced_user(
    table = "accounts.users",
    database(postgres, sqlite),
    allow(unbounded_claims),
    version_column = "version",
    deleted_at_column = "deleted_at",
    template_json = r#"{
        "email": "{{user.primary_email_address}}",
        "first_name": "{{user.first_name}}",
        "nick": "{{user.username || user.first_name || 'friend'}}",
        "imageUrl": "{{user.image_url}}",
        "verified": "{{user.email_verified}}",
        "metadata": "{{user.public_metadata}}",
        "plan": "{{user.public_metadata.plan}}",
        "greeting": "Dear {{user.first_name || 'friend'}}",
        "static": { "a": [1, 2.5, true, null, "x"] },
        "updatedAt": "{{user.updated_at}}"
    }"#,
)]
struct User {
    #[column(generated)]
    id: i64,
    #[claim("sub")]
    subject: String,
    #[claim(required)]
    email: Email,
    #[claim("first_name", insert_only)]
    name: Name,
    #[claim("first_name", with = shout)]
    loud_name: Option<String>,
    nick: Box<str>,
    #[claim("imageUrl", parse)]
    picture: Picture,
    verified: bool,
    metadata: serde_json::Value,
    plan: Option<serde_json::Value>,
    greeting: String,
    #[claim("static")]
    fixed: sqlx::types::Json<serde_json::Value>,
    #[column(name = "select")]
    #[claim("updatedAt")]
    updated: i64,
    #[column(app, sql_type = "NUMERIC")]
    credits: Option<i32>,
}

pub(crate) fn main() {}
