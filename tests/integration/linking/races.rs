//! Races: a row is linked to one user, and a user has one row.

use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Cached, Linked, Unchanged, Updated};
use clerk_auth::testing::event;
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles};
use futures_util::future::join_all;

use super::{Customer, legacy_table, process, row, token, user};

on_both_databases!(
    concurrent_first_requests_link_one_row_once,
    concurrent_users_with_one_key_link_one_of_them,
    webhook_and_token_at_once_link_once,
    concurrent_keys_of_one_user_link_one_row,
);

/// Starts processes, each with its own pool.
async fn processes(database: &TestDatabase, count: usize) -> Vec<Profiles<Customer>> {
    let mut processes = vec![process(legacy_table(database, 4).await).await];
    while processes.len() < count {
        processes.push(process(Pool::open(database.url(), 4).await).await);
    }
    processes
}

async fn concurrent_first_requests_link_one_row_once(database: TestDatabase) {
    let processes = processes(&database, 2).await;
    for key in 1..=5_i64 {
        let user_id = format!("user_{key}");
        let requests = (0..12).map(|number| {
            let token = token(&user_id, key.to_string(), 5).claim("jti", number);
            processes[number % 2].sync(token)
        });
        let mut linked = 0;
        for synced in join_all(requests).await {
            let synced = synced.expect("no request fails for a race");
            assert_eq!(synced.user.id, key);
            match synced.outcome {
                Linked => linked += 1,
                outcome => assert!(matches!(outcome, Updated | Unchanged | Cached), "{outcome:?}"),
            }
        }
        assert_eq!(linked, 1, "{key}");
    }
    assert_eq!(
        processes[0].pool.number("SELECT count(*) FROM customers").await,
        10
    );
}

async fn concurrent_users_with_one_key_link_one_of_them(database: TestDatabase) {
    let processes = processes(&database, 2).await;
    for key in 1..=5_i64 {
        let users: Vec<String> = (0..8).map(|number| format!("user_{key}_{number}")).collect();
        let requests = users
            .iter()
            .enumerate()
            .map(|(number, user_id)| processes[number % 2].sync(token(user_id, key.to_string(), 5)));
        let results = join_all(requests).await;
        let linked = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(linked, 1, "{results:?}");
        let owner = row(&processes[0].pool, key).await;
        let owner = owner.split(' ').next().expect("an id").to_owned();
        for result in results {
            match result {
                Ok(synced) => assert_eq!((synced.user.clerk_id.as_str(), synced.user.id), (&*owner, key)),
                Err(SyncError::LinkConflict { holder }) => assert_eq!(holder.as_deref(), Some(&*owner)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(
        processes[0].pool.number("SELECT count(*) FROM customers").await,
        10
    );
}

async fn webhook_and_token_at_once_link_once(database: TestDatabase) {
    let processes = processes(&database, 2).await;
    for key in 1..=8_i64 {
        let user_id = format!("user_{key}");
        let now = processes[0].clock.now();
        let created = event("user.created", user(&user_id, Some(&key.to_string()), 5), now);
        let (answer, synced) = tokio::join!(
            processes[0].receive(&created),
            processes[1].sync(token(&user_id, key.to_string(), 5))
        );
        assert!(answer.is_success(), "{answer}");
        assert_eq!(synced.expect("no request fails for a race").user.id, key);
    }
    assert_eq!(
        processes[0].pool.number("SELECT count(*) FROM customers").await,
        10
    );
    assert_eq!(
        processes[0]
            .pool
            .number("SELECT count(*) FROM customers WHERE clerk_id IS NULL")
            .await,
        2
    );
}

async fn concurrent_keys_of_one_user_link_one_row(database: TestDatabase) {
    let processes = processes(&database, 2).await;
    for round in 0..2 {
        let user_id = format!("user_{round}");
        let keys = [1 + 5 * round, 2 + 5 * round, 3 + 5 * round, 4 + 5 * round];
        let requests = keys.iter().enumerate().map(|(number, key)| {
            processes[number % 2].sync(token(&user_id, key.to_string(), 5).claim("jti", number))
        });
        let mut ids = Vec::new();
        for synced in join_all(requests).await {
            ids.push(synced.expect("no request fails for a race").user.id);
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "{ids:?}");
    }
    assert_eq!(
        processes[0]
            .pool
            .number("SELECT count(*) FROM customers WHERE clerk_id IS NULL")
            .await,
        8
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_is_atomic_at_any_isolation_level() {
    for level in ["read committed", "repeatable read", "serializable"] {
        let database = TestDatabase::postgres().await;
        let past = Pool::open(database.url(), 1).await;
        past.set_default_isolation(level).await;
        let processes = processes(&database, 3).await;
        let requests = (0..60).map(|number| {
            let key = number / 6 % 5 + 1;
            let user_id = format!("user_{key}_{}", number % 2);
            let token = token(&user_id, key.to_string(), 5).claim("jti", number);
            let process = &processes[number % 3];
            async move { process.sync(token).await }
        });
        for result in join_all(requests).await {
            assert!(
                matches!(&result, Ok(_) | Err(SyncError::LinkConflict { holder: Some(_) })),
                "{level}: {result:?}"
            );
        }
        assert_eq!(
            processes[0].pool.number("SELECT count(*) FROM customers").await,
            10
        );
        assert_eq!(
            processes[0]
                .pool
                .number("SELECT count(*) FROM customers WHERE clerk_id IS NOT NULL")
                .await,
            5,
            "{level}"
        );
    }
}
