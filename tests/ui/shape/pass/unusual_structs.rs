#![deny(warnings)]
#![allow(dead_code)]

use clerk_auth::SyncedUser;

/// Has the name of a generated item, and fields with the names of generated variables.
#[derive(Clone, SyncedUser)]
#[synced_user(
    table = "select",
    database(postgres, sqlite),
    template_json = r#"{
        "reader": "{{user.first_name}}",
        "match": "{{user.last_name}}",
        "größe": "{{user.public_metadata.size}}",
        "updatedAt": "{{user.updated_at}}"
    }"#
)]
pub(crate) struct __UserClaims {
    pub(crate) clerk_id: String,
    reader: Option<String>,
    /// A field whose name is a keyword.
    r#match: Option<String>,
    größe: Option<serde_json::Value>,
    #[column(app)]
    source: i64,
    #[column(app)]
    r#type: i64,
    #[cfg(any())]
    never: NoSuchType,
    #[cfg_attr(all(), column(app))]
    row: i64,
}

#[derive(Clone, SyncedUser)]
#[cfg_attr(all(), synced_user(table = "people", database(postgres, sqlite)))]
struct User {
    clerk_id: String,
}

#[allow(non_camel_case_types)]
#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct r#type {
    clerk_id: String,
}

/// The names of the prelude are other items in this module.
mod shadowed {
    pub(crate) struct Option;
    pub(crate) struct Result;
    pub(crate) struct Some;
    pub(crate) struct Default;

    #[derive(clerk_auth::SyncedUser)]
    #[synced_user(table = "users", database(postgres, sqlite))]
    pub(crate) struct User {
        clerk_id: std::string::String,
        #[claim(default)]
        first_name: std::string::String,
        #[claim(with = shout)]
        last_name: std::option::Option<std::string::String>,
    }

    fn shout(
        text: std::option::Option<&str>,
    ) -> std::result::Result<std::option::Option<std::string::String>, clerk_auth::claim::InvalidClaim> {
        Ok(text.map(str::to_uppercase))
    }
}

macro_rules! user {
    ($(#[$attribute:meta])* $name:ident, $table:literal, $claim:literal, $email:ty) => {
        $(#[$attribute])*
        #[derive(Clone, SyncedUser)]
        #[synced_user(table = $table, database(postgres, sqlite))]
        struct $name {
            clerk_id: String,
            #[claim($claim)]
            mail: $email,
        }
    };
}

user!(
    /// A struct that a macro creates.
    Made,
    "made",
    "email",
    Option<String>
);

pub(crate) fn main() {
    #[derive(Clone, SyncedUser)]
    #[synced_user(table = "users", database(postgres, sqlite))]
    struct User {
        clerk_id: String,
    }

    fn assert_user<U: clerk_auth::SyncedUser>() {}
    assert_user::<User>();
    assert_user::<self::User>();
    assert_user::<__UserClaims>();
    assert_user::<r#type>();
    assert_user::<shadowed::User>();
    assert_user::<Made>();
    let _ = (shadowed::Option, shadowed::Result, shadowed::Some, shadowed::Default);
}
