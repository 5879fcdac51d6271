//! The table of a struct that links rows: the requirements of start-up, and the cost of a request.

use clerk_auth::SyncedUser;
use clerk_auth::row::StoredIn;
use clerk_auth::schema::diff;
use clerk_auth::sync::SyncOutcome::{Unchanged, Updated};
use clerk_auth::sync::{SyncOutcome, UserSyncBuilder};
use clerk_auth::testing::SessionToken;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profile, Profiles};
use clerk_auth_tests::proxy::Proxy;
use serde_json::Value;

use super::{Customer, legacy_table, token};

on_both_databases!(
    clerk_id_may_be_null_or_not,
    key_without_a_unique_index_does_not_start,
    printed_statements_make_the_table_fit,
);

async fn problems(pool: &Pool) -> Vec<(String, Option<String>)> {
    let problems = match pool {
        Pool::Postgres(pool) => diff::<Customer, _>(pool).await,
        Pool::Sqlite(pool) => diff::<Customer, _>(pool).await,
    };
    let problems = problems.expect("the database answers").into_iter();
    problems.map(|problem| (problem.message, problem.fix)).collect()
}

async fn clerk_id_may_be_null_or_not(database: TestDatabase) {
    let pool = legacy_table(&database, 1).await;
    assert_eq!(problems(&pool).await, []);
    if let Pool::Postgres(_) = &pool {
        pool.execute("UPDATE customers SET clerk_id = 'user_' || id")
            .await;
        pool.execute("ALTER TABLE customers ALTER clerk_id SET NOT NULL")
            .await;
        assert_eq!(problems(&pool).await, []);
    }
}

async fn key_without_a_unique_index_does_not_start(database: TestDatabase) {
    let pool = legacy_table(&database, 1).await;
    pool.execute("CREATE TABLE copy AS SELECT * FROM customers").await;
    pool.execute("DROP TABLE customers").await;
    pool.execute("ALTER TABLE copy RENAME TO customers").await;
    let found = problems(&pool).await;
    for column in ["clerk_id", "id"] {
        let (message, fix) = found
            .iter()
            .find(|(what, _)| what.starts_with(&format!("no unique index over `{column}` alone")))
            .unwrap_or_else(|| panic!("{found:?}"));
        assert!(fix.is_some(), "{message}");
    }
}

async fn printed_statements_make_the_table_fit(database: TestDatabase) {
    let pool = Pool::open(database.url(), 1).await;
    let id = match &pool {
        Pool::Postgres(_) => "BIGSERIAL PRIMARY KEY",
        Pool::Sqlite(_) => "INTEGER PRIMARY KEY",
    };
    pool.execute(&format!(
        "CREATE TABLE customers (id {id}, email TEXT UNIQUE, name TEXT, credits BIGINT NOT NULL DEFAULT 7)"
    ))
    .await;
    pool.execute("INSERT INTO customers (email) VALUES ('one@example.com'), ('two@example.com')")
        .await;
    for (message, fix) in problems(&pool).await {
        pool.execute(&fix.unwrap_or_else(|| panic!("no statement: {message}")))
            .await;
    }
    assert_eq!(problems(&pool).await, []);
    assert_eq!(
        pool.number("SELECT count(*) FROM customers WHERE clerk_id IS NULL")
            .await,
        2
    );
}

#[test]
fn only_a_struct_that_links_has_the_statements() {
    let names = |statements: Vec<clerk_auth::row::Statement>| -> Vec<&str> {
        let linking = |statement: &clerk_auth::row::Statement| statement.name.starts_with("LINK.");
        statements
            .into_iter()
            .filter(linking)
            .map(|statement| statement.name)
            .collect()
    };
    assert_eq!(
        names(<Customer as StoredIn<sqlx::Postgres>>::statements()),
        ["LINK.update", "LINK.holder"]
    );
    assert_eq!(
        names(<Customer as StoredIn<sqlx::Sqlite>>::statements()),
        ["LINK.update", "LINK.holder"]
    );
    assert!(names(<Profile as StoredIn<sqlx::Postgres>>::statements()).is_empty());
}

/// Returns the round trips of a request to PostgreSQL, including liveness checks.
async fn asked<U: SyncedUser>(
    (profiles, proxy): (&Profiles<U>, &Proxy),
    token: SessionToken<'_>,
    outcome: SyncOutcome,
) -> u64 {
    let pool = profiles.pool.postgres();
    let session = profiles.session(token).await;
    let held = pool.acquire().await.expect("it is free");
    let before = proxy.sent();
    drop(held);
    let synced = profiles.users.sync(&session).await.expect("it syncs");
    assert_eq!(synced.outcome, outcome);
    let held = pool.acquire().await.expect("it is free");
    let asked = proxy.sent() - before;
    drop(held);
    asked
}

/// Returns the round trips of an unchanged user, a changed one, and an unchanged one with another key, with prepared
/// statements.
async fn costs<U>(database: &TestDatabase) -> Vec<u64>
where
    U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>,
{
    let proxy = Proxy::to(database.server_address());
    let pool = Pool::open(&database.url_through(proxy.address()), 1).await;
    let in_memory = (
        UserSyncBuilder::denials_in_memory,
        UserSyncBuilder::denials_in_memory,
    );
    let profiles: Profiles<U> = Profiles::of_table(pool, in_memory.0, in_memory.1).await;
    for user_id in ["user_1", "user_2", "user_3"] {
        profiles
            .sync(token(user_id, Value::Null, 5))
            .await
            .expect("it syncs");
        let changed = token(user_id, Value::Null, 6).claim("email", format!("{user_id}@example.net"));
        profiles.sync(changed).await.expect("it syncs");
    }
    let mail = |email: &str, updated_at| token("user_1", "1", updated_at).claim("email", email);
    let measured = (&profiles, &proxy);
    vec![
        asked(measured, mail("user_1@example.net", 6), Unchanged).await,
        asked(measured, mail("b@example.com", 8), Updated).await,
        asked(
            measured,
            mail("b@example.com", 8).claim("externalId", "5"),
            Unchanged,
        )
        .await,
    ]
}

#[tokio::test]
async fn existing_user_costs_what_one_without_a_link_costs() {
    let database = TestDatabase::postgres().await;
    drop(legacy_table(&database, 1).await);
    let linking = costs::<Customer>(&database).await;
    assert_eq!(linking, costs::<AlwaysRead>(&database).await);
    assert_eq!(linking[0], linking[2]);
}
