//! Every form of `link`, and every type of a key.

use std::str::FromStr;

use clerk_auth::SyncedUser;
use clerk_auth::row::StoredIn;

macro_rules! linked {
    ($name:ident, $template:literal, $field:ident $(= $claim:literal)?, { $($fields:tt)* }) => {
        #[derive(SyncedUser)]
        #[synced_user(table = "users", template_json = $template, link($field $(= $claim)?), database(postgres, sqlite))]
        pub struct $name {
            pub clerk_id: String,
            $($fields)*
        }
    };
}

/// A number of the application's own.
#[derive(Clone, Copy, Debug, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
pub struct CustomerNumber(i64);

impl FromStr for CustomerNumber {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim_start_matches("C-").parse().map(Self)
    }
}

type Key = i64;

linked!(Generated, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, id = "externalId", {
    #[column(generated)]
    pub id: i64,
});
linked!(Alias, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, id = "externalId", {
    #[column(generated)]
    pub id: Key,
});
linked!(Fallback, r#"{"userId": "{{user.external_id || user.id}}", "updatedAt": "{{user.updated_at}}"}"#, id, {
    #[claim("userId")]
    pub id: String,
});
linked!(FallbackOfANumber, r#"{"userId": "{{user.external_id || user.id}}", "updatedAt": "{{user.updated_at}}"}"#, id = "userId", {
    #[column(generated)]
    pub id: i32,
});
linked!(OwnClaim, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, external_id, {
    pub external_id: Option<String>,
});
linked!(ClaimNamedToo, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, external_id = "externalId", {
    #[claim(parse)]
    pub external_id: Option<i64>,
});
linked!(Required, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, external_id, {
    #[claim(required)]
    pub external_id: String,
});
linked!(Metadata, r#"{"legacy": "{{user.public_metadata.legacy.id}}", "updatedAt": "{{user.updated_at}}"}"#, legacy_id = "legacy", {
    #[column(app, name = "legacyId")]
    pub legacy_id: Option<i64>,
});
linked!(Uuid, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, reference = "externalId", {
    #[column(app)]
    pub reference: Option<uuid::Uuid>,
});
linked!(Own, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, number = "externalId", {
    #[column(generated, sql_type = "BIGINT")]
    pub number: CustomerNumber,
});
linked!(OptionalOwn, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, number = "externalId", {
    #[column(app, sql_type = "BIGINT")]
    pub number: Option<CustomerNumber>,
});
linked!(RawName, r#"{"externalId": "{{user.external_id}}", "updatedAt": "{{user.updated_at}}"}"#, r#type = "externalId", {
    #[column(app)]
    pub r#type: Option<String>,
});

pub fn main() {
    let links = [
        <Generated as StoredIn<sqlx::Postgres>>::LINK,
        <Alias as StoredIn<sqlx::Postgres>>::LINK,
        <Fallback as StoredIn<sqlx::Postgres>>::LINK,
        <FallbackOfANumber as StoredIn<sqlx::Postgres>>::LINK,
        <OwnClaim as StoredIn<sqlx::Postgres>>::LINK,
        <ClaimNamedToo as StoredIn<sqlx::Sqlite>>::LINK,
        <Required as StoredIn<sqlx::Sqlite>>::LINK,
        <Metadata as StoredIn<sqlx::Sqlite>>::LINK,
        <Uuid as StoredIn<sqlx::Sqlite>>::LINK,
        <Own as StoredIn<sqlx::Sqlite>>::LINK,
        <OptionalOwn as StoredIn<sqlx::Sqlite>>::LINK,
        <RawName as StoredIn<sqlx::Sqlite>>::LINK,
    ];
    let columns = links.map(|link| link.expect("the struct links rows").column);
    assert_eq!(
        columns,
        [
            "id", "id", "id", "id", "external_id", "external_id", "external_id", "legacyId", "reference", "number",
            "number", "type"
        ]
    );
}
