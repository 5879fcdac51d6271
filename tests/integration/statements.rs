//! The generated statements themselves, as a race between two processes would run them: without the read that comes
//! first.

use clerk_auth::claim::ClaimSource;
use clerk_auth::user::{StoredIn, SyncedUser};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use example_app::database::Database;
use example_app::user::User;
use serde_json::{Value, json};
use sqlx::Row;

on_both_databases!(
    an_upsert_of_an_older_version_changes_nothing_and_returns_the_row,
    an_upsert_of_a_tombstone_changes_nothing_and_says_so,
    a_version_is_raised_and_never_lowered,
);

/// A row, its version, and whether it is a tombstone.
type Stored = (User, i64, bool);

fn claims(first_name: &str) -> <User as SyncedUser>::Claims {
    let claims = json!({
        "email": "ada@example.com",
        "firstName": first_name,
        "lastName": null,
        "imageUrl": "https://img.example.com/ada",
    });
    let Value::Object(claims) = claims else {
        unreachable!("an object was written");
    };
    User::read_claims(ClaimSource::new("user_ada", &claims)).expect("the claims are whole")
}

async fn upsert(database: &Database, first_name: &str, version: i64) -> Stored {
    macro_rules! run {
        ($pool:expr, $database:ty) => {{
            let mut arguments = <$database as sqlx::Database>::Arguments::default();
            <User as StoredIn<$database>>::bind(&claims(first_name), version, &mut arguments)
                .expect("it encodes");
            let row = sqlx::query_with(<User as StoredIn<$database>>::UPSERT, arguments)
                .fetch_one($pool)
                .await
                .expect("the upsert returns a row");
            let bookkeeping = row.len() - 3;
            let user = <User as StoredIn<$database>>::from_row(&row).expect("it decodes");
            (user, row.get(bookkeeping), row.get(bookkeeping + 1))
        }};
    }
    match database {
        Database::Postgres(pool) => run!(pool, sqlx::Postgres),
        Database::Sqlite(pool) => run!(pool, sqlx::Sqlite),
    }
}

/// Runs a statement of which the parameters are the user and, for some, a version; how many rows it changed.
async fn execute(database: &Database, statement: &str, version: Option<i64>) -> u64 {
    macro_rules! run {
        ($pool:expr, $database:ty) => {{
            let sql = match statement {
                "TOMBSTONE" => <User as StoredIn<$database>>::TOMBSTONE,
                _ => <User as StoredIn<$database>>::RAISE_VERSION,
            };
            let query = sqlx::query(sql).bind("user_ada");
            let query = match version {
                Some(version) => query.bind(version),
                None => query,
            };
            query
                .execute($pool)
                .await
                .expect("the statement runs")
                .rows_affected()
        }};
    }
    match database {
        Database::Postgres(pool) => run!(pool, sqlx::Postgres),
        Database::Sqlite(pool) => run!(pool, sqlx::Sqlite),
    }
}

async fn an_upsert_of_an_older_version_changes_nothing_and_returns_the_row(files: TestDatabase) {
    let database = Database::open(files.url()).await.expect("the database opens");
    let (first, ..) = upsert(&database, "First", 5).await;
    for (name, version, expected) in [
        ("Older", 4, ("First", 5)),
        ("Equal", 5, ("Equal", 5)),
        ("Newer", 6, ("Newer", 6)),
        ("Late", 5, ("Newer", 6)),
    ] {
        let (user, stored, deleted) = upsert(&database, name, version).await;
        assert_eq!(
            (user.first_name.as_deref(), stored),
            (Some(expected.0), expected.1),
            "{name}"
        );
        assert_eq!((user.id, deleted), (first.id, false));
    }
}

async fn an_upsert_of_a_tombstone_changes_nothing_and_says_so(files: TestDatabase) {
    let database = Database::open(files.url()).await.expect("the database opens");
    upsert(&database, "Ada", 5).await;
    assert_eq!(execute(&database, "TOMBSTONE", None).await, 1);
    assert_eq!(execute(&database, "TOMBSTONE", None).await, 0);
    let (user, version, deleted) = upsert(&database, "Back", 9).await;
    assert_eq!(
        (user.first_name.as_deref(), version, deleted),
        (Some("Ada"), 5, true)
    );
}

async fn a_version_is_raised_and_never_lowered(files: TestDatabase) {
    let database = Database::open(files.url()).await.expect("the database opens");
    upsert(&database, "Ada", 5).await;
    assert_eq!(execute(&database, "RAISE_VERSION", Some(7)).await, 1);
    assert_eq!(execute(&database, "RAISE_VERSION", Some(6)).await, 0);
    let (user, version, _) = upsert(&database, "Late", 6).await;
    assert_eq!((user.first_name.as_deref(), version), (Some("Ada"), 7));
    execute(&database, "TOMBSTONE", None).await;
    assert_eq!(execute(&database, "RAISE_VERSION", Some(9)).await, 0);
}
