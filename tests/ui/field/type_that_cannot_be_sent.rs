use clerk_auth::SyncedUser;
use std::rc::Rc;

use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Type};

struct Plan(Rc<str>);

impl<DB: Database> Type<DB> for Plan
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        String::type_info()
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Plan
where
    String: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(String::decode(value)?.into()))
    }
}

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(app, sql_type = "TEXT")]
    plan: Plan,
}

fn main() {}
