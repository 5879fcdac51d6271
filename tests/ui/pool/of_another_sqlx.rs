use clerk_auth::schema::SchemaError;
use clerk_auth::{Clerk, SyncedUser, UserSync};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
}

/// In the place of another version of sqlx, whose types have the same names.
mod other_sqlx {
    pub struct Pool<DB>(pub DB);
}

async fn users(clerk: Clerk, pool: other_sqlx::Pool<sqlx::Postgres>) -> Result<UserSync<User>, SchemaError> {
    UserSync::new(clerk, pool).await
}

fn main() {
    let _ = users;
}
