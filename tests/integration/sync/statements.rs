//! Tests of the generated statements without the read before them, as a race between two processes executes them.

use clerk_auth::SyncedRow;
use clerk_auth::claim::ClaimSource;
use clerk_auth::row::StoredIn;
use clerk_auth_tests::app;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;
use example_app::user::User;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};

on_both_databases!(
    upsert_of_an_older_version_changes_nothing_and_returns_the_row,
    upsert_of_a_tombstone_changes_nothing_and_reports_it,
    version_is_raised_and_never_lowered,
    upsert_of_many_follows_the_rules_of_the_upsert_of_one,
    versions_of_many_are_raised_and_never_lowered,
);

/// A row, its version, and whether it is a tombstone.
type Stored = (User, i64, bool);

fn claims(first_name: &str) -> <User as SyncedRow>::Claims {
    claims_of("user_ada", first_name)
}

fn claims_of(user_id: &str, first_name: &str) -> <User as SyncedRow>::Claims {
    let claims = json!({
        "email": "ada@example.com",
        "firstName": first_name,
        "lastName": null,
        "imageUrl": "https://img.example.com/ada",
    });
    let Value::Object(claims) = claims else {
        unreachable!("an object was written");
    };
    User::read_claims(ClaimSource::new(user_id, &claims)).expect("the claims are whole")
}

async fn upsert(database: &Pool, first_name: &str, version: i64) -> Stored {
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
            let user = <User as StoredIn<$database>>::from_row(&row, 0).expect("it decodes");
            (user, row.get(bookkeeping), row.get(bookkeeping + 1))
        }};
    }
    match database {
        Pool::Postgres(pool) => run!(pool, sqlx::Postgres),
        Pool::Sqlite(pool) => run!(pool, sqlx::Sqlite),
    }
}

/// Runs a statement whose parameters are the user and, for some statements, a version. Returns how many rows it
/// changed.
async fn execute(database: &Pool, statement: &str, version: Option<i64>) -> u64 {
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
        Pool::Postgres(pool) => run!(pool, sqlx::Postgres),
        Pool::Sqlite(pool) => run!(pool, sqlx::Sqlite),
    }
}

async fn upsert_of_an_older_version_changes_nothing_and_returns_the_row(files: TestDatabase) {
    let (database, _) = app::open(&files).await;
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

async fn upsert_of_a_tombstone_changes_nothing_and_reports_it(files: TestDatabase) {
    let (database, _) = app::open(&files).await;
    upsert(&database, "Ada", 5).await;
    assert_eq!(execute(&database, "TOMBSTONE", None).await, 1);
    assert_eq!(execute(&database, "TOMBSTONE", None).await, 0);
    let (user, version, deleted) = upsert(&database, "Back", 9).await;
    assert_eq!(
        (user.first_name.as_deref(), version, deleted),
        (Some("Ada"), 5, true)
    );
}

async fn version_is_raised_and_never_lowered(files: TestDatabase) {
    let (database, _) = app::open(&files).await;
    upsert(&database, "Ada", 5).await;
    assert_eq!(execute(&database, "RAISE_VERSION", Some(7)).await, 1);
    assert_eq!(execute(&database, "RAISE_VERSION", Some(6)).await, 0);
    let (user, version, _) = upsert(&database, "Late", 6).await;
    assert_eq!((user.first_name.as_deref(), version), (Some("Ada"), 7));
    execute(&database, "TOMBSTONE", None).await;
    assert_eq!(execute(&database, "RAISE_VERSION", Some(9)).await, 0);
}

/// Upserts rows by user, name and version in one statement. Returns each user's row afterwards.
async fn upsert_many(database: &Pool, rows: &[(&str, &str, i64)]) -> Vec<(String, Stored)> {
    macro_rules! run {
        ($pool:expr, $database:ty) => {{
            let mut arguments = <$database as sqlx::Database>::Arguments::default();
            for (user_id, first_name, version) in rows {
                let claims = claims_of(user_id, first_name);
                <User as StoredIn<$database>>::bind(&claims, *version, &mut arguments).expect("it encodes");
            }
            let sql = <User as StoredIn<$database>>::UPSERT_MANY.to_sql(rows.len());
            let found = sqlx::query_with(AssertSqlSafe(sql), arguments)
                .fetch_all($pool)
                .await
                .expect("the upsert returns rows");
            let found = found.iter().map(|row| {
                let bookkeeping = row.len() - 4;
                let user = <User as StoredIn<$database>>::from_row(row, 0).expect("it decodes");
                (
                    row.get(row.len() - 1),
                    (user, row.get(bookkeeping), row.get(bookkeeping + 1)),
                )
            });
            found.collect()
        }};
    }
    match database {
        Pool::Postgres(pool) => run!(pool, sqlx::Postgres),
        Pool::Sqlite(pool) => run!(pool, sqlx::Sqlite),
    }
}

async fn upsert_of_many_follows_the_rules_of_the_upsert_of_one(files: TestDatabase) {
    let (database, _) = app::open(&files).await;
    upsert_many(
        &database,
        &[
            ("user_ada", "Gone", 5),
            ("user_bob", "Bob", 5),
            ("user_eve", "Eve", 5),
        ],
    )
    .await;
    assert_eq!(execute(&database, "TOMBSTONE", None).await, 1);
    let mut rows = upsert_many(
        &database,
        &[
            ("user_ada", "Back", 9),
            ("user_bob", "Late", 4),
            ("user_eve", "Newer", 6),
            ("user_new", "New", 1),
        ],
    )
    .await;
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let rows: Vec<_> = rows
        .iter()
        .map(|(id, (user, version, deleted))| (&**id, user.first_name.as_deref(), *version, *deleted))
        .collect();
    assert_eq!(
        rows,
        [
            ("user_ada", Some("Gone"), 5, true),
            ("user_bob", Some("Bob"), 5, false),
            ("user_eve", Some("Newer"), 6, false),
            ("user_new", Some("New"), 1, false),
        ]
    );
}

async fn versions_of_many_are_raised_and_never_lowered(files: TestDatabase) {
    let (database, _) = app::open(&files).await;
    let rows = ["user_ada", "user_bob", "user_eve"].map(|id| (id, "Same", 5));
    upsert_many(&database, &rows).await;
    execute(&database, "TOMBSTONE", None).await;
    // Exact beyond what a floating-point number can hold.
    let versions = r#"{"user_ada": 9, "user_bob": 9007199254740993, "user_eve": 4, "user_nobody": 9}"#;
    macro_rules! run {
        ($pool:expr, $database:ty) => {
            sqlx::query(<User as StoredIn<$database>>::RAISE_VERSION_MANY)
                .bind(versions)
                .execute($pool)
                .await
                .expect("the statement runs")
                .rows_affected()
        };
    }
    let raised = match &database {
        Pool::Postgres(pool) => run!(pool, sqlx::Postgres),
        Pool::Sqlite(pool) => run!(pool, sqlx::Sqlite),
    };
    assert_eq!(raised, 1);
    let mut rows = upsert_many(&database, &rows.map(|(id, name, _)| (id, name, 0))).await;
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let versions: Vec<i64> = rows.iter().map(|(_, (_, version, _))| *version).collect();
    assert_eq!(versions, [5, 9_007_199_254_740_993, 5]);
}
