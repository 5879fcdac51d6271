//! Tests of pages and cursors: an import resumes after a crash, and retries after a failure.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::UserSync;
use clerk_auth::backend_api::BackendApiError;
use clerk_auth::sync::{ImportError, ImportProgress};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Profile;
use clerk_auth_tests::proxy::Proxy;
use futures_util::future::join;
use sqlx::postgres::PgPoolOptions;
use tokio::time::sleep;

use super::{Member, numbers, start, user};

on_both_databases!(
    import_resumes_at_the_cursor_of_another,
    many_users_are_written_however_they_are_paged,
    rate_limits_and_failures_are_retried,
    permanent_failure_ends_the_import,
);

async fn import_resumes_at_the_cursor_of_another(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.fake
        .serve_users(7, |place| user(&format!("user_{place}"), "Ada", 50));
    let import = || it.import().page_size(2).delete_missing();
    // Four pages of users, and one of rows.
    for crash_after in 0..=5 {
        it.pool.execute("DELETE FROM members").await;
        // A user whom an import has deleted gets no row again.
        let gone = format!("user_gone_{crash_after}");
        it.sync(&gone, "Gone", 5).await.expect("it syncs");
        let mut first = import();
        let mut kept: Option<String> = None;
        for _ in 0..crash_after {
            let step = first.next().await.expect("a step").expect("it is imported");
            kept = step.cursor.map(|cursor| cursor.to_string());
        }
        drop(first);
        let second = match kept {
            Some(kept) => import().resume_from(kept.parse().expect("it was written so")),
            None => import(),
        };
        let counts = second.run().await.expect("it is imported");
        let rest = 7_u64.saturating_sub(2 * crash_after);
        assert_eq!((counts.inserted, counts.unchanged), (rest, 0), "{crash_after}");
        let rows = "SELECT count(*) FROM members WHERE clerk_deleted_at IS NULL";
        assert_eq!(it.number(rows).await, 7, "{crash_after}");
        assert_eq!(
            it.number("SELECT count(*) FROM members").await,
            8,
            "{crash_after}"
        );
    }
    // A page that has been imported may be imported again.
    assert_eq!(numbers(it.counts().await), [0, 0, 7, 0, 0, 0]);
}

async fn many_users_are_written_however_they_are_paged(database: TestDatabase) {
    let it = start::<Profile>(&database).await;
    it.fake
        .serve_users(1_203, |place| user(&format!("user_{place}"), "Ada", 50));
    let steps = it.steps(it.import()).await;
    assert_eq!(steps.len(), 3);
    assert_eq!(numbers(steps[2].counts), [1_203, 0, 0, 0, 0, 0]);
    it.fake
        .serve_users(1_203, |place| user(&format!("user_{place}"), "Grace", 60));
    let counts = it.import().page_size(100).run().await.expect("it is imported");
    assert_eq!(numbers(counts), [0, 1_203, 0, 0, 0, 0]);
    let right = "SELECT count(*) FROM profiles WHERE name = 'Grace' AND clerk_version = 60000";
    assert_eq!(it.number(right).await, 1_203);
}

async fn rate_limits_and_failures_are_retried(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.fake
        .serve_users(3, |place| user(&format!("user_{place}"), "Ada", 50));
    it.fake.fail_once(StatusCode::INTERNAL_SERVER_ERROR);
    let mut import = it.import().page_size(2);
    import.next().await.expect("a step").expect("the failure passes");
    it.fake.fail_once(StatusCode::TOO_MANY_REQUESTS);
    it.fake.fail_once(StatusCode::SERVICE_UNAVAILABLE);
    let mut rest = Vec::new();
    while let Some(step) = import.next().await {
        rest.push(step);
    }
    let last = rest.last().expect("a step").as_ref().expect("the failures pass");
    assert_eq!(numbers(last.counts), [3, 0, 0, 0, 0, 0]);
    // Three pages, the last one empty, and the refused requests.
    assert_eq!(it.fake.requests("/v1/users"), 5);
    assert_eq!(it.fake.requests("/v1/jwks"), 2);
}

async fn permanent_failure_ends_the_import(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.fake.put_user(user("user_ada", "Ada", 50));
    it.fake.fail(StatusCode::INTERNAL_SERVER_ERROR);
    let mut import = it.import().retry_for(Duration::ZERO);
    let ended = import.next().await.expect("a step");
    let failed = Err(ImportError::Clerk(BackendApiError::Status {
        status: 500,
        code: "internal_clerk_error".to_owned(),
    }));
    let expected: Result<ImportProgress, _> = failed;
    assert_eq!(format!("{ended:?}"), format!("{expected:?}"));
    assert!(import.next().await.is_none(), "that was its end");
    it.fake.fail(StatusCode::UNAUTHORIZED);
    let refused = it.import().run().await;
    assert!(
        matches!(refused, Err(ImportError::Clerk(BackendApiError::Unauthorized(_)))),
        "{refused:?}"
    );
    it.fake.fail(None);
    let gone = "users after user_gone".parse().expect("it is a cursor");
    let lost = it.import().resume_from(gone).run().await;
    assert!(matches!(lost, Err(ImportError::Clerk(_))), "{lost:?}");
    it.pool.execute("DROP TABLE members").await;
    let broken = it.import().run().await;
    assert!(matches!(broken, Err(ImportError::Rows(_))), "{broken:?}");
}

#[tokio::test]
async fn database_outage_is_retried_or_ends_the_import_at_a_cursor() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let it = start::<Member>(&database).await;
    let through = PgPoolOptions::new().acquire_timeout(Duration::from_secs(1));
    let through = through.connect(&database.url_through(proxy.address())).await;
    let through = through.expect("the server answers");
    let users: UserSync<Member> = UserSync::new(it.clerk.clone(), through)
        .await
        .expect("the table fits");
    it.fake
        .serve_users(6, |place| user(&format!("user_{place}"), "Ada", 50));
    let mut import = users.import(&it.api).page_size(2).retry_for(Duration::ZERO);
    let step = import.next().await.expect("a step").expect("it is imported");
    proxy.cut().await;
    let ended = import.next().await.expect("a step");
    assert!(matches!(ended, Err(ImportError::Rows(_))), "{ended:?}");

    let cursor = step.cursor.expect("a page was imported");
    let import = users.import(&it.api).page_size(2).resume_from(cursor);
    let outage = async {
        // An outage of any length: attempts meanwhile fail.
        sleep(Duration::from_millis(600)).await;
        proxy.restore();
    };
    let (counts, ()) = join(import.run(), outage).await;
    assert_eq!(numbers(counts.expect("the outage passes")), [4, 0, 0, 0, 0, 0]);
    assert_eq!(it.number("SELECT count(*) FROM members").await, 6);
}
