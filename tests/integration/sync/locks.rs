//! Tests of rows that another transaction has locked, or that are slow to write: they affect only their own users.

use std::pin::pin;
use std::time::Duration;

use clerk_auth::id::UserId;
use clerk_auth::sync::SyncOutcome::Updated;
use clerk_auth::sync::{Deletion, SyncError, UserSyncBuilder};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use futures_util::future::join_all;
use sqlx::{PgPool, Postgres, Transaction};

async fn start(database: &TestDatabase, connections: u32, timeout: Duration) -> Profiles<AlwaysRead> {
    let pool = Pool::open(database.url(), connections).await;
    Profiles::of_table(pool, |it| it.sync_timeout(timeout), |it| it.sync_timeout(timeout)).await
}

/// Locks a user's row until the returned transaction is dropped.
async fn hold<'p>(pool: &'p PgPool, user_id: &str) -> Transaction<'p, Postgres> {
    let mut transaction = pool.begin().await.expect("it begins");
    let sql = "SELECT 1 FROM profiles WHERE clerk_id = $1 FOR UPDATE";
    let row = sqlx::query(sql).bind(user_id).execute(&mut *transaction).await;
    assert_eq!(row.expect("it is locked").rows_affected(), 1);
    transaction
}

/// Counts the sessions of the database that wait for a lock.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test]
async fn locked_row_costs_its_own_user_alone() {
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let profiles = start(&database, 4, timeout).await;
    for user in ["user_ada", "user_eve", "user_bob"] {
        profiles.sync(token(user, "Old", 1)).await.expect("it syncs");
    }
    let watch = Pool::open(database.url(), 1).await;
    let past = Pool::open(database.url(), 2).await.postgres().clone();
    let held = [hold(&past, "user_ada").await, hold(&past, "user_bob").await];
    // More attempts than the failures that open the circuit breaker, and than the connections of the pool.
    for attempt in 0..8 {
        // The token has another name, or the same name at a newer version.
        let name = if attempt % 2 == 0 { "New" } else { "Old" };
        let locked = ["user_ada", "user_bob"].map(|user| profiles.sync(token(user, name, 5 + attempt)));
        let others = async {
            for number in 0..3 {
                let new = format!("user_new_{attempt}_{number}");
                profiles
                    .sync(token(&new, "New", 5))
                    .await
                    .expect("another is new");
                let changed = format!("Eve {attempt} {number}");
                let eve = profiles.sync(token("user_eve", &changed, 10 * attempt + number + 10));
                assert_eq!(eve.await.expect("another changes").outcome, Updated);
                // Each locked row has an abandoned write, and a quarter of the pool is for their repetitions.
                assert!(watch.number(WAITING).await <= 3);
            }
        };
        let (locked, ()) = tokio::join!(join_all(locked), others);
        for locked in locked {
            assert!(matches!(locked, Err(SyncError::Busy(_))), "{attempt}: {locked:?}");
        }
    }
    // A request that writes nothing still reads the row.
    profiles
        .sync(token("user_ada", "Old", 1))
        .await
        .expect("it is read");
    for held in held {
        held.rollback().await.expect("it ends");
    }
    for user in ["user_ada", "user_bob"] {
        let synced = profiles.sync(token(user, "Free", 50)).await.expect("it syncs");
        assert_eq!(synced.outcome, Updated);
    }
}

/// A backfill of the application locks more rows than the pool has connections. All of their users make requests or are
/// deleted.
#[tokio::test]
async fn more_locked_rows_than_connections_cost_their_own_users_alone() {
    lock_more_rows_than_connections("", |it| it).await;
}

#[tokio::test]
async fn more_locked_rows_than_connections_of_a_pooler_cost_their_own_users_alone() {
    lock_more_rows_than_connections("&statement-cache-capacity=0", Builder::transaction_pooling).await;
}

type Builder = UserSyncBuilder<AlwaysRead, PgPool>;

async fn lock_more_rows_than_connections(options: &str, configure: impl FnOnce(Builder) -> Builder) {
    const LOCKED: usize = 30;
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(&format!("{}{options}", database.url()), 4).await;
    let timeout = Duration::from_secs(1);
    let configure = |it: Builder| configure(it.sync_timeout(timeout));
    let profiles: Profiles<AlwaysRead> = Profiles::of_table(pool, configure, |it| it).await;
    let locked_users: Vec<String> = (0..LOCKED).map(|number| format!("user_{number}")).collect();
    for user in locked_users.iter().map(String::as_str).chain(["user_eve"]) {
        profiles.sync(token(user, "Old", 1)).await.expect("it syncs");
    }
    let past = Pool::open(database.url(), 1).await.postgres().clone();
    let mut held = past.begin().await.expect("it begins");
    sqlx::query("UPDATE profiles SET name = name WHERE clerk_id <> 'user_eve'")
        .execute(&mut *held)
        .await
        .expect("the rows are locked");
    for round in 0..4 {
        let locked = locked_users.iter().enumerate().map(|(number, user)| {
            let (profiles, id) = (&profiles, UserId::new(user.as_str()));
            async move {
                match number % 3 {
                    0 => profiles.sync(token(user, "New", 5)).await.map(drop),
                    // Only the version differs.
                    1 => profiles.sync(token(user, "Old", 5)).await.map(drop),
                    _ => profiles.users.delete(&id).await.map(drop),
                }
            }
        });
        let others = async {
            for number in 0..5 {
                let new = format!("user_new_{round}_{number}");
                let synced = profiles.sync(token(&new, "New", 5)).await;
                synced.unwrap_or_else(|error| panic!("{round}, {number}, a new user: {error}"));
                let changed = format!("Eve {round} {number}");
                let synced = profiles
                    .sync(token("user_eve", &changed, 10 * round + number + 10))
                    .await;
                synced.unwrap_or_else(|error| panic!("{round}, {number}, a changed user: {error}"));
                // A request that writes nothing reads a locked row.
                let synced = profiles.sync(token("user_0", "Old", 1)).await;
                synced.unwrap_or_else(|error| panic!("{round}, {number}, an unchanged user: {error}"));
                let deleted = profiles.users.delete(&UserId::new(new.as_str())).await;
                deleted.unwrap_or_else(|error| panic!("{round}, {number}, a deleted user: {error}"));
            }
        };
        let (locked, ()) = tokio::join!(join_all(locked), others);
        for locked in locked {
            assert!(matches!(locked, Err(SyncError::Busy(_))), "{round}: {locked:?}");
        }
    }
    held.rollback().await.expect("it ends");
    for user in &locked_users {
        profiles.sync(token(user, "Free", 50)).await.expect("it syncs");
    }
    let free = "SELECT count(*) FROM profiles WHERE name = 'Free'";
    assert_eq!(
        profiles.pool.number(free).await,
        i64::try_from(LOCKED).expect("a few")
    );
}

/// A trigger takes a minute over one user's row. No lock is involved, so that no `lock_timeout` ends the write.
#[tokio::test]
async fn slow_row_costs_its_own_user_alone() {
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let profiles = start(&database, 4, timeout).await;
    for user in ["user_ada", "user_eve"] {
        profiles.sync(token(user, "Old", 1)).await.expect("it syncs");
    }
    let past = Pool::open(database.url(), 1).await;
    past.execute(
        "CREATE TABLE slow (); INSERT INTO slow DEFAULT VALUES; \
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM pg_sleep(60) FROM slow; RETURN NEW; END $$; \
         CREATE TRIGGER slow BEFORE UPDATE ON profiles FOR EACH ROW \
         WHEN (OLD.clerk_id = 'user_ada') EXECUTE FUNCTION slow()",
    )
    .await;
    let slow =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    // More attempts than the failures that open the circuit breaker, and than the connections of the pool.
    for attempt in 0..6 {
        let locked = profiles.sync(token("user_ada", "New", 5 + attempt)).await;
        assert!(matches!(locked, Err(SyncError::Busy(_))), "{attempt}: {locked:?}");
        let new = format!("user_new_{attempt}");
        profiles
            .sync(token(&new, "New", 5))
            .await
            .expect("another is new");
        let changed = format!("Eve {attempt}");
        let eve = profiles.sync(token("user_eve", &changed, attempt + 10));
        assert_eq!(eve.await.expect("another changes").outcome, Updated);
        assert!(past.number(slow).await <= 2);
    }
    past.execute("DELETE FROM slow").await;
    past.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event = 'PgSleep'",
    )
    .await;
    profiles
        .sync(token("user_ada", "Free", 50))
        .await
        .expect("it syncs");
}

/// Another process blocks all writers of the file by a long transaction.
#[tokio::test]
async fn locked_file_costs_no_reader() {
    const WRITERS: usize = 30;
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::sqlite();
    let profiles = start(&database, 4, timeout).await;
    let writers: Vec<String> = (0..WRITERS).map(|number| format!("user_{number}")).collect();
    for user in &writers {
        profiles.sync(token(user, "Old", 1)).await.expect("it syncs");
    }
    let past = Pool::open(database.url(), 1).await;
    past.execute("BEGIN IMMEDIATE").await;
    for round in 0..4 {
        let blocked = writers.iter().map(|user| profiles.sync(token(user, "New", 5)));
        let readers = async {
            for number in 0..50 {
                let synced = profiles.sync(token("user_0", "Old", 1)).await;
                synced.unwrap_or_else(|error| panic!("{round}, {number}: {error}"));
            }
        };
        let (blocked, ()) = tokio::join!(join_all(blocked), readers);
        for blocked in blocked {
            assert!(matches!(blocked, Err(SyncError::Busy(_))), "{round}: {blocked:?}");
        }
    }
    past.execute("ROLLBACK").await;
    for user in &writers {
        profiles.sync(token(user, "Free", 50)).await.expect("it syncs");
    }
}

/// The first write is abandoned, and each later one is refused the lock as often as it is repeated.
#[tokio::test]
async fn lock_that_no_repetition_gets_occupies_one_connection() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 4).await;
    let timeout = Duration::from_secs(5);
    let profiles: Profiles<AlwaysRead> =
        Profiles::of_table(pool, |it| it.sync_timeout(timeout), |it| it).await;
    profiles
        .sync(token("user_ada", "Old", 1))
        .await
        .expect("it syncs");
    let watch = Pool::open(database.url(), 1).await;
    let past = Pool::open(database.url(), 1).await.postgres().clone();
    let held = hold(&past, "user_ada").await;
    for _ in 0..2 {
        let locked = profiles.sync(token("user_ada", "New", 5)).await;
        locked.expect_err("the row is locked");
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '500 ms'";
    let mut locked = pin!(profiles.sync(token("user_ada", "New", 5)));
    loop {
        tokio::select! {
            synced = &mut locked => break drop(synced.expect_err("the row is locked")),
            // A signal wakes the session for a moment.
            number = watch.number(waiting) => assert!(number <= 1, "{number}"),
        }
    }
    held.rollback().await.expect("it ends");
}

#[tokio::test]
async fn deletion_of_a_locked_row_costs_its_own_user_alone() {
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let profiles = start(&database, 3, timeout).await;
    for user in ["user_ada", "user_eve"] {
        profiles.sync(token(user, "Old", 1)).await.expect("it syncs");
    }
    let watch = Pool::open(database.url(), 1).await;
    let past = Pool::open(database.url(), 1).await.postgres().clone();
    let held = hold(&past, "user_ada").await;
    let ada = UserId::new("user_ada");
    // More attempts than the failures that open the circuit breaker, and than the connections of the pool.
    for attempt in 0..6 {
        let locked = profiles.users.delete(&ada);
        let others = async {
            let new = format!("user_new_{attempt}");
            profiles
                .sync(token(&new, "New", 5))
                .await
                .expect("another is new");
            let deleted = profiles.users.delete(&UserId::new(new.as_str())).await;
            assert_eq!(deleted.expect("another is deleted"), Deletion::Deleted);
            // The abandoned deletion, and its repetition.
            assert!(watch.number(WAITING).await <= 2);
        };
        let (locked, ()) = tokio::join!(locked, others);
        assert!(matches!(locked, Err(SyncError::Busy(_))), "{attempt}: {locked:?}");
    }
    held.rollback().await.expect("it ends");
    let deleted = profiles.users.delete(&ada).await.expect("the row is free");
    assert_eq!(deleted, Deletion::Deleted);
}

/// Another transaction inserts the row of the user who signs up, and does not end.
#[tokio::test]
async fn uncommitted_row_costs_its_own_user_alone() {
    let timeout = Duration::from_secs(1);
    let database = TestDatabase::postgres().await;
    let profiles = start(&database, 4, timeout).await;
    let past = Pool::open(database.url(), 1).await.postgres().clone();
    let mut held = past.begin().await.expect("it begins");
    let sql = "INSERT INTO profiles (clerk_id, clerk_version) VALUES ('user_ada', 1)";
    sqlx::query(sql)
        .execute(&mut *held)
        .await
        .expect("it is inserted");
    for attempt in 0..6 {
        let locked = profiles.sync(token("user_ada", "Ada", 5)).await;
        assert!(matches!(locked, Err(SyncError::Busy(_))), "{attempt}: {locked:?}");
        let new = format!("user_new_{attempt}");
        profiles
            .sync(token(&new, "New", 5))
            .await
            .expect("another is new");
    }
    held.rollback().await.expect("it ends");
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
}

/// A lock that is not free is requested again until the request ends.
#[tokio::test]
async fn lock_that_is_given_up_by_the_server_is_tried_again() {
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 1).await;
    let name = past
        .text("SELECT current_database()::text")
        .await
        .expect("a name");
    past.execute(&format!("ALTER DATABASE \"{name}\" SET lock_timeout = '20ms'"))
        .await;
    let profiles = start(&database, 4, Duration::from_secs(30)).await;
    profiles
        .sync(token("user_ada", "Old", 1))
        .await
        .expect("it syncs");
    let past = past.postgres();
    let held = hold(past, "user_ada").await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let waits = async {
        // Waits until the server has failed a few times.
        let races = || log.lines().iter().filter(|line| line.contains("Race")).count();
        let given_up = async {
            while races() < 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), given_up)
            .await
            .expect("each try is given up after 20 ms");
        held.rollback().await.expect("it ends");
    };
    let (synced, ()) = tokio::join!(profiles.sync(token("user_ada", "New", 5)), waits);
    assert_eq!(synced.expect("it syncs").outcome, Updated);
}
