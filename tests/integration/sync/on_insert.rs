//! Tests of the application's hook for a new user: it takes effect once, with the row, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Inserted, Updated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, token};
use futures_util::future::join_all;
use sqlx::Connection as _;
use tokio::sync::Notify;

on_both_databases!(
    cart_is_created_once_for_concurrent_first_requests,
    hook_that_fails_inserts_nothing_and_the_next_request_tries_again,
    row_is_reported_as_inserted_only_if_it_exists,
    hook_that_commits_is_an_error,
    connection_of_a_hook_that_rolls_back_is_usable,
    connection_of_a_hook_that_rolls_back_and_is_cancelled_is_replaced,
);

thread_local! {
    /// Notified when a hook of this thread has rolled back and waits.
    static ROLLED_BACK: Arc<Notify> = Arc::default();
}

const CARTS: &str = "CREATE TABLE carts (profile_id BIGINT NOT NULL REFERENCES profiles (id))";

/// Starts a process that creates a cart for each new profile, or fails afterwards.
async fn start(pool: Pool, fails: Arc<AtomicBool>) -> Profiles {
    macro_rules! with_carts {
        () => {{
            let fails = Arc::clone(&fails);
            move |builder| {
                builder.on_insert(move |connection, profile| {
                    let fails = Arc::clone(&fails);
                    Box::pin(async move {
                        sqlx::query("INSERT INTO carts (profile_id) VALUES ($1)")
                            .bind(profile.id)
                            .execute(connection)
                            .await?;
                        if fails.load(Ordering::SeqCst) {
                            return Err("the mail server is down".into());
                        }
                        Ok(())
                    })
                })
            }
        }};
    }
    Profiles::start_with(pool, with_carts!(), with_carts!()).await
}

async fn cart_is_created_once_for_concurrent_first_requests(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    pool.execute(CARTS).await;
    let one = start(pool.clone(), Arc::default()).await;
    let other = start(Pool::open(database.url(), 5).await, Arc::default()).await;
    let sessions = [
        one.session(token("user_ada", "Ada", 7)).await,
        other.session(token("user_ada", "Ada", 7)).await,
    ];
    let requests = (0..10).flat_map(|_| [one.users.sync(&sessions[0]), other.users.sync(&sessions[1])]);
    let synced = join_all(requests).await;
    let inserted = synced
        .iter()
        .filter(|it| it.as_ref().is_ok_and(|it| it.outcome == Inserted));
    assert_eq!(inserted.count(), 1, "{synced:?}");
    assert!(synced.iter().all(Result::is_ok), "{synced:?}");
    let changed = one.sync(token("user_ada", "Grace", 9)).await.expect("it syncs");
    assert_eq!(changed.outcome, Updated);
    assert_eq!(pool.number("SELECT count(*) FROM carts").await, 1);
}

async fn hook_that_fails_inserts_nothing_and_the_next_request_tries_again(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    pool.execute(CARTS).await;
    let fails = Arc::new(AtomicBool::new(true));
    let profiles = start(pool.clone(), Arc::clone(&fails)).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    for _ in 0..5 {
        let failed = profiles.users.sync(&session).await;
        assert!(matches!(failed, Err(SyncError::OnInsert(_))), "{failed:?}");
    }
    assert_eq!(pool.number("SELECT count(*) FROM profiles").await, 0);
    assert_eq!(pool.number("SELECT count(*) FROM carts").await, 0);
    fails.store(false, Ordering::SeqCst);
    assert_eq!(
        profiles.users.sync(&session).await.expect("it syncs").outcome,
        Inserted
    );
    assert_eq!(pool.number("SELECT count(*) FROM carts").await, 1);
}

/// The use that a hook makes of its transaction.
#[derive(Clone, Copy, Debug)]
enum Hook {
    /// Continues after a failed statement.
    KeepsTheErrorBack,
    /// Continues after a failed statement in a nested transaction.
    TriesInItsOwnTransaction,
    /// Ends the transaction.
    RollsBack,
    /// Ends the transaction, and begins another.
    RollsBackAndBegins,
    /// Ends the transaction, and fails.
    RollsBackAndFails,
    /// Ends the transaction, and panics.
    RollsBackAndPanics,
    /// Ends the transaction, and waits until its request is cancelled.
    RollsBackAndWaits,
    /// Commits the row, although the hook has not succeeded.
    Commits,
    /// Commits the row, and begins another transaction.
    CommitsAndBegins,
}

/// Starts a process whose hook misuses its transaction.
async fn start_odd(pool: Pool, hook: Hook) -> Profiles {
    macro_rules! odd {
        () => {
            move |builder| {
                builder.on_insert(move |connection, _| {
                    Box::pin(async move {
                        match hook {
                            Hook::KeepsTheErrorBack => {
                                drop(sqlx::raw_sql("SELECT missing").execute(connection).await);
                            }
                            Hook::TriesInItsOwnTransaction => {
                                let mut own = connection.begin().await?;
                                let failed = sqlx::raw_sql("SELECT missing").execute(&mut *own).await;
                                assert!(failed.is_err());
                                own.rollback().await?;
                            }
                            Hook::RollsBack => {
                                sqlx::raw_sql("ROLLBACK").execute(connection).await?;
                            }
                            Hook::RollsBackAndBegins => {
                                sqlx::raw_sql("ROLLBACK; BEGIN").execute(connection).await?;
                            }
                            Hook::RollsBackAndFails => {
                                sqlx::raw_sql("ROLLBACK").execute(connection).await?;
                                return Err("left the transaction unusable by hand".into());
                            }
                            Hook::RollsBackAndPanics => {
                                sqlx::raw_sql("ROLLBACK").execute(connection).await?;
                                panic!("the application panics without a transaction");
                            }
                            Hook::RollsBackAndWaits => {
                                sqlx::raw_sql("ROLLBACK").execute(connection).await?;
                                ROLLED_BACK.with(|it| it.notify_one());
                                std::future::pending::<()>().await;
                            }
                            Hook::Commits => {
                                sqlx::raw_sql("COMMIT").execute(connection).await?;
                            }
                            Hook::CommitsAndBegins => {
                                sqlx::raw_sql("COMMIT; BEGIN").execute(connection).await?;
                            }
                        }
                        Ok(())
                    })
                })
            }
        };
    }
    Profiles::start_with(pool, odd!(), odd!()).await
}

async fn row_is_reported_as_inserted_only_if_it_exists(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    let is_postgres = matches!(pool, Pool::Postgres(_));
    for (hook, is_kept) in [
        // Only PostgreSQL aborts a transaction after a failed statement.
        (Hook::KeepsTheErrorBack, !is_postgres),
        (Hook::TriesInItsOwnTransaction, true),
        (Hook::RollsBack, false),
        (Hook::RollsBackAndBegins, false),
        (Hook::RollsBackAndFails, false),
    ] {
        let profiles = start_odd(pool.clone(), hook).await;
        let user = format!("user_{hook:?}");
        let session = profiles.session(token(&user, "Ada", 7)).await;
        for _ in 0..3 {
            let synced = profiles.users.sync(&session).await;
            let rows = pool
                .number(&format!(
                    "SELECT count(*) FROM profiles WHERE clerk_id = '{user}'"
                ))
                .await;
            match synced {
                Ok(_) => assert!(is_kept && rows == 1, "{hook:?}"),
                Err(SyncError::OnInsert(error)) => {
                    assert!(!is_kept && rows == 0, "{hook:?}: {error}");
                    assert!(
                        error.to_string().contains("left the transaction unusable"),
                        "{error}"
                    );
                }
                Err(error) => panic!("{hook:?}: {error:?}"),
            }
        }
    }
    insert_others(&pool).await;
}

/// Checks that the pool's connections work, and are outside of a transaction.
async fn insert_others(pool: &Pool) {
    let before = pool.number("SELECT count(*) FROM profiles").await;
    let plain = Profiles::start_on(pool.clone()).await;
    for profile in 0..10 {
        let synced = plain
            .sync(token(&format!("user_{before}_{profile}"), "Ada", 7))
            .await;
        assert_eq!(synced.expect("it syncs").outcome, Inserted);
    }
    // On SQLite, a change runs in a transaction, unlike an insertion.
    let changed = plain.sync(token(&format!("user_{before}_0"), "Grace", 8)).await;
    assert_eq!(changed.expect("it syncs").outcome, Updated);
    assert_eq!(pool.number("SELECT count(*) FROM profiles").await, before + 10);
}

/// A hook that commits keeps its row, but its request fails.
async fn hook_that_commits_is_an_error(database: TestDatabase) {
    // The next request would get a connection that was left in a transaction.
    let pool = Pool::open(database.url(), 1).await;
    for hook in [Hook::Commits, Hook::CommitsAndBegins] {
        let profiles = start_odd(pool.clone(), hook).await;
        let session = profiles.session(token(&format!("user_{hook:?}"), "Ada", 7)).await;
        let error = profiles
            .users
            .sync(&session)
            .await
            .expect_err("the hook has failed");
        assert!(matches!(error, SyncError::OnInsert(_)), "{hook:?}: {error:?}");
        assert!(
            error.to_string().contains("ended the transaction"),
            "{hook:?}: {error}"
        );
        // The row is correct, and is served.
        let synced = profiles.users.sync(&session).await.expect("it is there");
        assert_eq!(synced.user.name.as_deref(), Some("Ada"));
        insert_others(&pool).await;
    }
}

async fn connection_of_a_hook_that_rolls_back_and_is_cancelled_is_replaced(database: TestDatabase) {
    let pool = Pool::open(database.url(), 1).await;
    let profiles = start_odd(pool.clone(), Hook::RollsBackAndWaits).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    let rolled_back = ROLLED_BACK.with(Arc::clone);
    tokio::select! {
        synced = profiles.users.sync(&session) => panic!("the hook waits: {synced:?}"),
        () = rolled_back.notified() => {}
    }
    insert_others(&pool).await;
}

/// The pool has a single connection, so the next request gets the connection of the hook.
async fn connection_of_a_hook_that_rolls_back_is_usable(database: TestDatabase) {
    let pool = Pool::open(database.url(), 1).await;
    for hook in [
        Hook::KeepsTheErrorBack,
        Hook::RollsBack,
        Hook::RollsBackAndBegins,
        Hook::RollsBackAndFails,
        Hook::RollsBackAndPanics,
    ] {
        let profiles = start_odd(pool.clone(), hook).await;
        let session = profiles.session(token(&format!("user_{hook:?}"), "Ada", 7)).await;
        let panics = matches!(hook, Hook::RollsBackAndPanics);
        for _ in 0..3 {
            let synced = profiles.users.sync(&session).await;
            assert_eq!(
                matches!(synced, Err(SyncError::Panicked)),
                panics,
                "{hook:?}: {synced:?}"
            );
        }
        insert_others(&pool).await;
    }
}
