//! The application's work for a new user: once, with the row, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Inserted, Updated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, token};
use futures_util::future::join_all;

on_both_databases!(
    a_cart_is_made_once_however_many_first_requests_there_are,
    a_hook_that_fails_inserts_nothing_and_the_next_request_tries_again,
);

const CARTS: &str = "CREATE TABLE carts (profile_id BIGINT NOT NULL REFERENCES profiles (id))";

/// A process that makes a cart for each new profile, or fails after it has.
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

async fn a_cart_is_made_once_however_many_first_requests_there_are(database: TestDatabase) {
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

async fn a_hook_that_fails_inserts_nothing_and_the_next_request_tries_again(database: TestDatabase) {
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
