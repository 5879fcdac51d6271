//! A slow or unreachable database, or an exhausted pool: no hang, no wrong row, and recovery within a second.

use std::time::{Duration, Instant};

use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::Inserted;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use clerk_auth_tests::proxy::Proxy;
use futures_util::future::join_all;
use tokio::time::sleep;

on_both_databases!(exhausted_pool_costs_the_timeout_and_no_more);

async fn exhausted_pool_costs_the_timeout_and_no_more(database: TestDatabase) {
    let pool = Pool::open(database.url(), 1).await;
    let timeout = Duration::from_millis(100);
    let profiles = Profiles::start_with(
        pool.clone(),
        |builder| builder.sync_timeout(timeout),
        |builder| builder.sync_timeout(timeout),
    )
    .await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    let hold = async {
        match &pool {
            Pool::Postgres(pool) => drop(pool.acquire().await.expect("it is free").close().await),
            Pool::Sqlite(_) => {}
        }
    };
    hold.await;
    let held = match &pool {
        Pool::Postgres(pool) => (Some(pool.acquire().await.expect("it is free")), None),
        Pool::Sqlite(pool) => (None, Some(pool.acquire().await.expect("it is free"))),
    };
    let began = Instant::now();
    let requests = join_all((0..20).map(|_| profiles.users.sync(&session))).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for request in requests {
        assert!(matches!(request, Err(SyncError::Timeout(_))), "{request:?}");
    }
    // Requests that shared a statement may have counted as one failure; each of these counts alone.
    for _ in 0..2 {
        let failed = profiles.users.sync(&session).await;
        let is_expected = matches!(failed, Err(SyncError::Timeout(_) | SyncError::Unavailable));
        assert!(is_expected, "{failed:?}");
    }
    // The breaker is open, so the next request fails without waiting.
    let fast = profiles.users.sync(&session).await;
    assert!(matches!(fast, Err(SyncError::Unavailable)), "{fast:?}");
    drop(held);
    back_within_a_second(&profiles, &session).await;
}

#[tokio::test]
async fn broken_network_serves_no_wrong_row() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 5).await;
    let profiles = Profiles::<AlwaysRead>::always_read(through).await;
    let first = profiles
        .sync(token("user_ada", "Ada", 1))
        .await
        .expect("it syncs");
    assert_eq!(first.outcome, Inserted);
    for round in 0..3 {
        proxy.cut().await;
        for _ in 0..5 {
            let failed = profiles.sync(token("user_ada", "Lost", 2 + round)).await;
            assert!(
                matches!(
                    &failed,
                    Err(SyncError::Database(_) | SyncError::Timeout(_) | SyncError::Unavailable)
                ),
                "{failed:?}"
            );
        }
        // The breaker is open, so the next request fails without waiting.
        let failed = profiles.sync(token("user_ada", "Lost", 2 + round)).await;
        assert!(matches!(failed, Err(SyncError::Unavailable)), "{failed:?}");
        proxy.restore();
        let name = format!("Round {round}");
        let session = profiles.session(token("user_ada", &name, 10 + round)).await;
        let synced = back_within_a_second(&profiles, &session).await;
        assert_eq!(synced.name.as_deref(), Some(&*name));
    }
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
}

/// Repeats requests until one succeeds.
async fn back_within_a_second<U: clerk_auth::SyncedUser>(
    profiles: &Profiles<U>,
    session: &clerk_auth::Session,
) -> U {
    let back = Instant::now();
    loop {
        match profiles.users.sync(session).await {
            Ok(synced) => {
                assert!(back.elapsed() < Duration::from_secs(1), "{:?}", back.elapsed());
                return synced.user;
            }
            Err(error) => assert!(back.elapsed() < Duration::from_secs(10), "{error}"),
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// A shared statement counts as one failure, however many requests wait for it.
#[tokio::test]
async fn shared_statement_counts_as_one_failure() {
    const BLOCKED: &str = "SELECT coalesce(max(pid), 0)::bigint FROM pg_stat_activity \
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let database = TestDatabase::postgres().await;
    // Two connections, so that one statement reads at a time.
    let pool = Pool::open(database.url(), 2).await;
    let timeout = Duration::from_secs(60);
    let profiles =
        Profiles::start_with(pool, |builder| builder.sync_timeout(timeout), |builder| builder).await;
    let sessions = (0..12).map(|number| profiles.session(token(&format!("user_{number}"), "Ada", 7)));
    let mut sessions = join_all(sessions).await;
    let last = sessions.pop().expect("there are twelve");

    let past = Pool::open(database.url(), 1).await.postgres().clone();
    let mut lock = past.begin().await.expect("it begins");
    let sql = "LOCK TABLE profiles IN ACCESS EXCLUSIVE MODE";
    sqlx::query(sql).execute(&mut *lock).await.expect("it locks");
    let watch = Pool::open(database.url(), 1).await;
    // Ends the session of each statement that waits for the lock, repeatedly, because a request first tries another
    // connection.
    let end_all = async {
        loop {
            let pid = watch.number(BLOCKED).await;
            if pid != 0 {
                watch
                    .number(&format!("SELECT pg_terminate_backend({pid})::int::bigint"))
                    .await;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    // The first request reads alone; the others share the next statement.
    let requests = join_all(sessions.iter().map(|session| profiles.users.sync(session)));
    let failed = tokio::select! {
        failed = requests => failed,
        () = end_all => unreachable!("it goes on"),
    };
    for failed in failed {
        assert!(matches!(failed, Err(SyncError::Database(_))), "{failed:?}");
    }
    // Two failures do not open the breaker, so the database is queried.
    let unlock = async { lock.rollback().await.expect("it ends") };
    let (synced, ()) = tokio::join!(profiles.users.sync(&last), unlock);
    assert_eq!(synced.expect("it syncs").outcome, Inserted);
}
