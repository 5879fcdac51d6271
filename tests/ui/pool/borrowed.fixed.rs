use clerk_auth::schema::SchemaError;
use clerk_auth::{Clerk, SyncedUser, UserSync};

#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres))]
struct User {
    clerk_id: String,
}

async fn users(clerk: Clerk, pool: sqlx::PgPool) -> Result<UserSync<User>, SchemaError> {
    UserSync::new(clerk, pool).await
}

fn main() {
    let _ = users;
}
