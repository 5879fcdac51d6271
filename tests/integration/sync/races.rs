//! Tests of transactions that race: no request fails because of another one.

use std::time::Duration;

use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use futures_util::future::{join_all, try_join_all};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

on_both_databases!(swapped_unique_values_answer_every_request);

/// Starts processes, each with its own pool, whose transactions have this isolation level.
async fn processes(database: &TestDatabase, count: usize) -> Vec<Profiles<AlwaysRead>> {
    let mut processes = Vec::new();
    for _ in 0..count {
        let pool = Pool::open(database.url(), 4).await;
        let patient = Duration::from_secs(60);
        processes.push(
            Profiles::of_table(
                pool,
                |it| {
                    it.sync_timeout(patient).on_insert(|transaction, user: &AlwaysRead| {
                        Box::pin(async move {
                            let sql = "INSERT INTO carts (owner) SELECT $1 WHERE (SELECT count(*) FROM carts) >= 0";
                            let insert = sqlx::query(sql).bind(user.clerk_id.clone());
                            insert.execute(&mut *transaction).await?;
                            Ok(())
                        })
                    })
                },
                |it| it.sync_timeout(patient),
            )
            .await,
        );
    }
    processes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_costs_no_request_at_any_isolation_level() {
    for level in ["read committed", "repeatable read", "serializable"] {
        let database = TestDatabase::postgres().await;
        let past = Pool::open(database.url(), 1).await;
        past.execute("CREATE TABLE carts (owner text)").await;
        past.set_default_isolation(level).await;
        past.execute("ALTER TABLE profiles ADD CONSTRAINT one_email UNIQUE (email)")
            .await;
        let processes = processes(&database, 3).await;
        assert_eq!(
            processes[0]
                .pool
                .text("SELECT current_setting('transaction_isolation')")
                .await
                .as_deref(),
            Some(level)
        );
        // All processes insert new users at once, and then change the same few users at once.
        for round in 0..6 {
            let requests = (0..90).map(|number| {
                let process = &processes[number % 3];
                let user = format!("user_{}", number / 3 % 10);
                let version = 100 * round + i64::try_from(number % 7).expect("a digit");
                let token = token(&user, &format!("Ada {version}"), version);
                async move {
                    process
                        .sync(token)
                        .await
                        .map_err(|error| format!("{user}: {error}"))
                }
            });
            try_join_all(requests)
                .await
                .unwrap_or_else(|error| panic!("{level}: {error}"));
        }
        assert_eq!(past.number("SELECT count(*) FROM profiles").await, 10);
        assert_eq!(past.number("SELECT count(*) FROM carts").await, 10, "{level}");
        let newest = "SELECT count(*) FROM profiles WHERE name = 'Ada 506'";
        assert_eq!(past.number(newest).await, 10, "{level}");
    }
}

/// Two processes swap the values of two users, and rotate those of three and of five.
async fn swapped_unique_values_answer_every_request(database: TestDatabase) {
    let past = Pool::open(database.url(), 1).await;
    past.execute("CREATE UNIQUE INDEX one_email ON profiles (email)")
        .await;
    past.execute("CREATE TABLE carts (owner text)").await;
    let processes = processes(&database, 2).await;
    for (users, rounds) in [(2, 30), (3, 20), (5, 10)] {
        for round in 0..rounds {
            let requests = (0..users * 2).map(|number| {
                let (user, process) = (number % users, &processes[number / users]);
                let email = format!("address_{}@example.com", (user + round) % users);
                let version = i64::try_from(1_000 * users + round).expect("a few");
                let token = token(&format!("user_{users}_{user}"), "Ada", version).claim("email", email);
                async move { process.sync(token).await }
            });
            for answer in join_all(requests).await {
                answer.unwrap_or_else(|error| panic!("{users} users, round {round}: {error}"));
            }
        }
    }
    let shared = "SELECT count(*) - count(DISTINCT email) FROM profiles WHERE email IS NOT NULL";
    assert_eq!(past.number(shared).await, 0);
}

/// PostgreSQL checks the index on the Clerk user id for a conflict, then inserts into each index. Between the two, another
/// process inserts the same user, and a unique index that comes first in the order of creation reports the row.
#[tokio::test]
async fn insertion_of_the_same_user_is_no_conflict_of_another_index() {
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 2).await;
    past.execute(
        "CREATE FUNCTION slow(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN \
         IF current_setting('application_name') = 'slow' THEN PERFORM pg_advisory_xact_lock_shared(42); END IF; \
         RETURN $1; END $$; \
         ALTER TABLE profiles DROP CONSTRAINT profiles_clerk_id_key; \
         CREATE INDEX slow ON profiles (slow(name)); CREATE UNIQUE INDEX one_name ON profiles (name); \
         ALTER TABLE profiles ADD CONSTRAINT profiles_clerk_id_key UNIQUE (clerk_id)",
    )
    .await;
    let options: PgConnectOptions = database.url().parse().expect("the URL is right");
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .connect_with(options.application_name("slow"))
        .await;
    let slow = Profiles::always_read(Pool::Postgres(pool.expect("the server answers"))).await;
    let fast = Profiles::always_read(Pool::open(database.url(), 2).await).await;
    let locking = past.postgres();
    let mut lock = locking.begin().await.expect("it begins");
    sqlx::query("SELECT pg_advisory_xact_lock(42)")
        .execute(&mut *lock)
        .await
        .expect("it is locked");
    let second = async {
        past.until_a_session_waits().await;
        let synced = fast.sync(token("user_ada", "Ada", 5)).await;
        lock.rollback().await.expect("it ends");
        synced
    };
    let (first, second) = tokio::join!(slow.sync(token("user_ada", "Ada", 5)), second);
    first.expect("the row is the user's own");
    second.expect("it is inserted");
    assert_eq!(past.number("SELECT count(*) FROM profiles").await, 1);
}
