use clerk_auth::SyncedUser;

#[derive(Clone, sqlx::Type)]
#[sqlx(transparent)]
struct Credits(i64);

#[derive(Clone, SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
struct User {
    clerk_id: String,
    #[column(app, sql_type = "BIGINT NOT NULL DEFAULT 0")]
    credits: Credits,
}

fn main() {}
