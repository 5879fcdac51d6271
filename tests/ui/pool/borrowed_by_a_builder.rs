use clerk_auth::schema::SchemaError;
use clerk_auth::{Clerk, SyncedUser, UserSync};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(sqlite))]
struct User {
    clerk_id: String,
}

async fn users(clerk: Clerk, pool: sqlx::SqlitePool) -> Result<UserSync<User>, SchemaError> {
    UserSync::builder(clerk, &pool).build().await
}

fn main() {
    let _ = users;
}
