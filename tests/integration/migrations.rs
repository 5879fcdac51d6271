//! The table that the example's migrations make is the one that the derive expects, and start-up says so if not.

use clerk_auth::testing::Issuer;
use clerk_auth::user::StoredIn;
use clerk_auth::{Clerk, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use example_app::database::Database;
use example_app::user::User;

on_both_databases!(start_up_says_what_the_table_lacks);

#[test]
fn the_migrations_are_the_generated_ddl() {
    let postgres = include_str!("../../example-app/migrations/postgres/0001_users.sql");
    let sqlite = include_str!("../../example-app/migrations/sqlite/0001_users.sql");
    assert_eq!(
        postgres,
        format!("{};\n", <User as StoredIn<sqlx::Postgres>>::CREATE_TABLE)
    );
    assert_eq!(
        sqlite,
        format!("{};\n", <User as StoredIn<sqlx::Sqlite>>::CREATE_TABLE)
    );
}

async fn start_up_says_what_the_table_lacks(files: TestDatabase) {
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = Clerk::builder()
        .issuer(issuer.url())
        .jwt_key(issuer.public_key_pem())
        .build()
        .expect("the configuration is right");
    let database = Database::open(files.url()).await.expect("the database opens");
    for (change, refused) in [
        ("ALTER TABLE users RENAME TO people", "SELECT"),
        ("CREATE TABLE users AS SELECT * FROM people", "UPSERT"),
        ("DROP TABLE users", "SELECT"),
        ("CREATE VIEW users AS SELECT id, clerk_id FROM people", "SELECT"),
    ] {
        let message = match &database {
            Database::Postgres(pool) => {
                sqlx::query(change).execute(pool).await.expect(change);
                UserSync::<User>::new(clerk.clone(), pool.clone())
                    .await
                    .expect_err(change)
                    .to_string()
            }
            Database::Sqlite(pool) => {
                sqlx::query(change).execute(pool).await.expect(change);
                UserSync::<User>::new(clerk.clone(), pool.clone())
                    .await
                    .expect_err(change)
                    .to_string()
            }
        };
        let expected = format!("cannot run the {refused} statement of `User`");
        assert!(message.contains(&expected), "{change}: {message}");
        assert!(message.contains("CREATE TABLE \"users\""), "{message}");
    }
}
