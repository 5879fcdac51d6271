//! Tests of the hooks of a delivery: each delivery is passed once, and its writes commit with the row or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use clerk_auth::UserSync;
use clerk_auth::id::UserId;
use clerk_auth::sync::{SyncError, UserSyncBuilder};
use clerk_auth::testing::{SignedDelivery, event};
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Calls, SECRET, hooked, receive, send, user, with_hooks};

on_both_databases!(
    concurrent_duplicate_delivery_is_applied_once,
    writes_of_the_hook_commit_with_the_delivery_or_not_at_all,
    hook_that_sees_deliveries_once_needs_its_table,
    delivery_is_acknowledged_only_if_its_row_remains_after_the_hooks,
    old_deliveries_are_deleted_while_the_process_runs,
);

async fn concurrent_duplicate_delivery_is_applied_once(database: TestDatabase) {
    for once in [true, false] {
        let calls = Calls::default();
        let (user_id, created) = if once {
            ("user_ada", "user.created")
        } else {
            ("user_eve", "user.updated")
        };
        let one = if once {
            hooked(&database, &calls, once).await
        } else {
            with_hooks(Pool::open(database.url(), 5).await, &calls, once).await
        };
        let other = with_hooks(Pool::open(database.url(), 5).await, &calls, once).await;
        let now = one.clock.now();
        let delivery = SignedDelivery::new(SECRET, &event(created, user(user_id, "Ada", 100), now), now);
        let both = [&one, &other];
        let attempts = (0..10).map(|attempt| send(both[attempt % 2], &delivery));
        for answer in join_all(attempts).await {
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        }
        let sql = format!("SELECT count(*) FROM received WHERE event = '{created}'");
        assert_eq!(one.pool.number(&sql).await, if once { 1 } else { 10 });
        assert_eq!(calls.inserted.load(Ordering::SeqCst), 1);
        let sql = format!("SELECT count(*) FROM profiles WHERE clerk_id = '{user_id}'");
        assert_eq!(one.pool.number(&sql).await, 1);
    }
}

async fn writes_of_the_hook_commit_with_the_delivery_or_not_at_all(database: TestDatabase) {
    let calls = Calls::default();
    let profiles = hooked(&database, &calls, true).await;
    let now = profiles.clock.now();
    let created = SignedDelivery::new(
        SECRET,
        &event("user.created", user("user_ada", "Ada", 100), now),
        now,
    );
    calls.fails.store(true, Ordering::SeqCst);
    let answer = send(&profiles, &created).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    let body = to_bytes(answer.into_body(), 10_000).await.expect("a short body");
    let problem: Value = serde_json::from_slice(&body).expect("a problem document");
    assert_eq!(problem["code"], "webhook_not_applied");
    assert!(!problem.to_string().contains("mail server"), "{problem}");
    for table in ["profiles", "received", "clerk_deliveries"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(profiles.pool.number(&sql).await, 0, "{table}");
    }
    calls.fails.store(false, Ordering::SeqCst);
    assert_eq!(send(&profiles, &created).await.status(), StatusCode::NO_CONTENT);
    // The hook runs for every event, also for one of a type that this library does not list.
    for (event_type, data) in [
        (
            "organization.deleted",
            json!({ "id": "org_1", "object": "organization", "deleted": true }),
        ),
        ("somethingNew.happened", json!({ "id": 7 })),
    ] {
        assert_eq!(receive(&profiles, event_type, data).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(profiles.pool.number("SELECT count(*) FROM received").await, 3);
    assert_eq!(
        profiles
            .pool
            .number("SELECT count(*) FROM clerk_deliveries")
            .await,
        3
    );
}

async fn old_deliveries_are_deleted_while_the_process_runs(database: TestDatabase) {
    let profiles = hooked(&database, &Calls::default(), true).await;
    let insert = |prefix: &str, age: &str| {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 250) \
             INSERT INTO clerk_deliveries (id, received_at) SELECT '{prefix}_' || n, {age} FROM n"
        )
    };
    let [old, young] = if database.is_sqlite() {
        ["datetime('now', '-31 days')", "datetime('now', '-29 days')"]
    } else {
        [
            "CURRENT_TIMESTAMP - INTERVAL '31 days'",
            "CURRENT_TIMESTAMP - INTERVAL '29 days'",
        ]
    };
    profiles.pool.execute(&insert("old", old)).await;
    profiles.pool.execute(&insert("young", young)).await;
    let now = profiles.clock.now();
    for (number, left) in [(1, 150), (2, 50), (3, 0), (4, 0)] {
        let data = user("user_ada", "Ada", 100 + number);
        let delivery = SignedDelivery::new(SECRET, &event("user.updated", data, now), now);
        assert_eq!(send(&profiles, &delivery).await.status(), StatusCode::NO_CONTENT);
        let old = "SELECT count(*) FROM clerk_deliveries WHERE id LIKE 'old%'";
        assert_eq!(profiles.pool.number(old).await, left);
        let others = "SELECT count(*) FROM clerk_deliveries WHERE id NOT LIKE 'old%'";
        assert_eq!(profiles.pool.number(others).await, 250 + number);
    }
    let index = match &profiles.pool {
        Pool::Postgres(_) => {
            "SELECT count(*) FROM pg_indexes WHERE indexname = 'clerk_deliveries_received_at'"
        }
        Pool::Sqlite(_) => "SELECT count(*) FROM sqlite_schema WHERE name = 'clerk_deliveries_received_at'",
    };
    assert_eq!(profiles.pool.number(index).await, 1);
}

async fn hook_that_sees_deliveries_once_needs_its_table(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    let clerk = issuer().clerk();
    let error = match pool {
        Pool::Postgres(pool) => {
            let builder = UserSync::<clerk_auth_tests::profiles::Profile>::builder(clerk, pool);
            let built = builder
                .on_event_once(|_, _| Box::pin(async { Ok(()) }))
                .build()
                .await;
            built.expect_err("there is no table").to_string()
        }
        Pool::Sqlite(pool) => {
            let builder = UserSync::<clerk_auth_tests::profiles::Profile>::builder(clerk, pool);
            let built = builder
                .on_event_once(|_, _| Box::pin(async { Ok(()) }))
                .build()
                .await;
            built.expect_err("there is no table").to_string()
        }
    };
    let expected = "deliveries cannot be remembered: there is no table `clerk_deliveries`; fix it with";
    assert!(error.contains(expected), "{error}");
}

async fn delivery_is_acknowledged_only_if_its_row_remains_after_the_hooks(database: TestDatabase) {
    let keeps_back = Arc::new(AtomicBool::new(true));
    macro_rules! hooks {
        () => {{
            let (one, other) = (Arc::clone(&keeps_back), Arc::clone(&keeps_back));
            move |builder| {
                let builder: UserSyncBuilder<_, _> = builder;
                builder
                    .on_event(move |connection, _| {
                        let keeps_back = Arc::clone(&one);
                        Box::pin(async move {
                            if keeps_back.load(Ordering::SeqCst) {
                                drop(sqlx::raw_sql("SELECT missing").execute(connection).await);
                            }
                            Ok(())
                        })
                    })
                    .on_delete(move |connection, _| {
                        let keeps_back = Arc::clone(&other);
                        Box::pin(async move {
                            if keeps_back.load(Ordering::SeqCst) {
                                drop(sqlx::raw_sql("SELECT missing").execute(connection).await);
                            }
                            Ok(())
                        })
                    })
            }
        }};
    }
    let pool = Pool::open(database.url(), 5).await;
    // Only PostgreSQL aborts a transaction after a failed statement.
    let is_given_up = matches!(pool, Pool::Postgres(_));
    let refused = if is_given_up {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::NO_CONTENT
    };
    let profiles = Profiles::start_with(pool.clone(), hooks!(), hooks!()).await;
    let live = "SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL";
    let ada = user("user_ada", "Ada", 100);
    assert_eq!(receive(&profiles, "user.created", ada.clone()).await, refused);
    assert_eq!(pool.number(live).await, i64::from(!is_given_up));
    keeps_back.store(false, Ordering::SeqCst);
    assert_eq!(
        receive(&profiles, "user.created", ada).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(pool.number(live).await, 1);

    keeps_back.store(true, Ordering::SeqCst);
    let deleted = json!({ "id": "user_ada", "object": "user", "deleted": true });
    assert_eq!(receive(&profiles, "user.deleted", deleted).await, refused);
    assert_eq!(pool.number(live).await, i64::from(is_given_up));
    let again = profiles.users.delete(&UserId::new("user_ada")).await;
    match again {
        Err(SyncError::OnDelete(_)) => assert!(is_given_up),
        again => assert!(!is_given_up && again.is_ok(), "{again:?}"),
    }
    keeps_back.store(false, Ordering::SeqCst);
    let again = profiles.users.delete(&UserId::new("user_ada")).await;
    assert!(again.is_ok(), "{again:?}");
    assert_eq!(pool.number(live).await, 0);
}
