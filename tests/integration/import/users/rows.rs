//! Tests of an import's rows: each user is imported by the rules of a request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{Json, Router, routing::get};
use clerk_auth::sync::{NotImported, SyncOutcome};
use clerk_auth::testing::{FakeClerk, set_email};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, token};
use futures_util::future::join3;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::time::sleep;

use super::{Member, api, numbers, start, user, with_carts};
use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    each_user_is_imported_by_the_rules_of_a_request,
    correct_row_is_not_written_again,
    row_newer_than_its_page_is_kept,
    user_twice_on_a_page_is_written_once,
    concurrent_imports_and_requests_keep_rows_correct,
    unique_value_follows_the_rules_of_a_request,
    conflict_of_one_user_does_not_affect_others,
);

async fn each_user_is_imported_by_the_rules_of_a_request(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    for id in ["user_changed", "user_same", "user_gone", "user_newer"] {
        it.sync(id, "Old", 5).await.expect("it syncs");
    }
    it.sync("user_newer", "Newer", 90).await.expect("it syncs");
    let tombstone = "UPDATE members SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_id = 'user_gone'";
    it.pool.execute(tombstone).await;
    let own = "UPDATE members SET credits = 7, nick = 'own', changed = '2001-01-01 00:00:00'";
    it.pool.execute(own).await;

    for (id, name) in [
        ("user_changed", "New"),
        ("user_same", "Old"),
        ("user_gone", "New"),
        ("user_newer", "New"),
        ("user_new", "New"),
        ("user_null", "New"),
    ] {
        it.fake.put_user(user(id, name, 50));
    }
    let mut null = user("user_null", "New", 50);
    set_email(&mut null, None);
    it.fake.put_user(null);

    let steps = it.steps(it.import()).await;
    let [step] = &*steps else {
        panic!("{steps:?}");
    };
    assert_eq!(numbers(step.counts), [1, 1, 2, 2, 0, 0]);
    let reasons: BTreeMap<&str, String> = step
        .not_imported
        .iter()
        .map(|(id, reason)| (id.as_str(), reason.to_string()))
        .collect();
    assert_eq!(reasons["user_null"], "claim `email` is null");
    assert_eq!(reasons["user_gone"], "the row is marked as deleted");
    for (id, name) in [
        ("user_changed", "New"),
        ("user_same", "Old"),
        ("user_gone", "Old"),
        ("user_newer", "Newer"),
        ("user_new", "New"),
    ] {
        assert_eq!(it.name(id).await.as_deref(), Some(name), "{id}");
    }
    assert_eq!(it.number("SELECT count(*) FROM members").await, 5);
    for (what, expected) in [
        ("clerk_id = 'user_new' AND nick = 'nick' AND credits = 0", 1),
        ("clerk_id <> 'user_new' AND nick = 'own' AND credits = 7", 4),
        ("clerk_id = 'user_changed' AND changed > '2002-01-01 00:00:00'", 1),
        ("clerk_id <> 'user_new' AND changed < '2002-01-01 00:00:00'", 3),
        // Unchanged claims are recorded at the newer version.
        ("clerk_id = 'user_same' AND clerk_version = 50000", 1),
        ("clerk_id = 'user_newer' AND clerk_version = 90999", 1),
        ("clerk_id = 'user_gone' AND clerk_version = 5999", 1),
    ] {
        let sql = format!("SELECT count(*) FROM members WHERE {what}");
        assert_eq!(it.number(&sql).await, expected, "{what}");
    }
    // An earlier change that arrives late has no effect, in a written row and in an unchanged one.
    for id in ["user_changed", "user_same"] {
        let late = it.sync(id, "Late", 49).await.expect("it syncs");
        assert_eq!(late, SyncOutcome::Unchanged, "{id}");
    }
}

async fn correct_row_is_not_written_again(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.fake
        .serve_users(20, |place| user(&format!("user_{place}"), "Ada", 50));
    assert_eq!(numbers(it.counts().await), [20, 0, 0, 0, 0, 0]);
    let written = match it.pool {
        Pool::Postgres(_) => "SELECT string_agg(xmin::text || changed::text, ' ' ORDER BY id) FROM members",
        Pool::Sqlite(_) => "SELECT group_concat(changed || clerk_version) FROM members",
    };
    let before = it.pool.text(written).await;
    assert_eq!(numbers(it.counts().await), [0, 0, 20, 0, 0, 0]);
    assert_eq!(it.pool.text(written).await, before);
}

async fn row_newer_than_its_page_is_kept(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.fake
        .serve_users(2, |place| user(&format!("user_{place}"), "Page", 50));
    let second = FakeClerk::served_user(1);
    it.sync(second.as_str(), "Old", 5).await.expect("it syncs");
    let mut import = it.import().page_size(1);
    import.next().await.expect("a step").expect("it is imported");
    // The second page is being fetched; it arrives soon after the request to Clerk.
    let deadline = Instant::now() + Duration::from_secs(10);
    while it.fake.requests("/v1/users") < 2 {
        assert!(Instant::now() < deadline, "the next page is not fetched");
        sleep(Duration::from_millis(1)).await;
    }
    it.sync(second.as_str(), "Newer", 90).await.expect("it syncs");
    let step = import.next().await.expect("a step").expect("it is imported");
    assert_eq!(numbers(step.counts), [1, 0, 1, 0, 0, 0]);
    assert_eq!(it.name(second.as_str()).await.as_deref(), Some("Newer"));
}

async fn user_twice_on_a_page_is_written_once(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    let jwks = it.fake.issuer().jwks();
    let page = json!([
        user("user_ada", "New", 60),
        user("user_bob", "Bob", 50),
        user("user_ada", "Old", 50)
    ]);
    let answered = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let users = move || {
        let is_first = !answered.swap(true, std::sync::atomic::Ordering::SeqCst);
        let page = if is_first { page.clone() } else { json!([]) };
        async move { Json(page) }
    };
    let odd = Router::new()
        .route("/v1/jwks", get(move || async move { Json(jwks) }))
        .route("/v1/users", get(users));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, odd).await });
    let counts = it.users.import(&api(&url)).run().await.expect("it is imported");
    server.abort();
    assert_eq!(numbers(counts), [2, 0, 0, 0, 0, 0]);
    assert_eq!(it.name("user_ada").await.as_deref(), Some("New"));
}

async fn concurrent_imports_and_requests_keep_rows_correct(database: TestDatabase) {
    let it = with_carts(&database, "nobody").await;
    it.fake
        .serve_users(300, |place| user(&format!("user_{place}"), "Import", 50));
    let newer: Vec<_> = (0..300).step_by(7).map(FakeClerk::served_user).collect();
    let requests = stream::iter(&newer).for_each_concurrent(4, async |id| {
        it.sync(id.as_str(), "Request", 60).await.expect("it syncs");
    });
    let import = || it.import().page_size(90).run();
    let ((), one, other) = join3(requests, import(), import()).await;
    for counts in [one, other] {
        let counts = counts.expect("it is imported");
        assert_eq!((counts.total(), counts.skipped), (300, 0));
    }
    assert_eq!(it.number("SELECT count(*) FROM profiles").await, 300);
    assert_eq!(it.number("SELECT count(*) FROM carts").await, 300);
    let named = "SELECT count(*) FROM profiles WHERE name = 'Request'";
    assert_eq!(
        it.number(named).await,
        i64::try_from(newer.len()).expect("a count")
    );
}

async fn unique_value_follows_the_rules_of_a_request(database: TestDatabase) {
    settles(database, "CREATE UNIQUE INDEX profiles_email ON profiles (email)").await;
}

/// The index is only checked at the commit.
#[tokio::test]
async fn deferred_constraint_follows_the_rules_of_a_request() {
    let constraint =
        "ALTER TABLE profiles ADD CONSTRAINT profiles_email UNIQUE (email) DEFERRABLE INITIALLY DEFERRED";
    settles(TestDatabase::postgres().await, constraint).await;
}

async fn settles(database: TestDatabase, unique: &str) {
    let it = start::<Profile>(&database).await;
    it.pool.execute(unique).await;
    it.fake.serve_users(40, |place| {
        // The last two users claim the values of the first two. In each pair, one is newer.
        let (name, updated_at) = match place {
            0 | 39 => ("shared", 50),
            1 => ("other", 60),
            38 => ("other", 50),
            _ => ("", 50),
        };
        let mut user = user(
            &format!("user_{place}"),
            "Ada",
            updated_at + i64::from(place == 39),
        );
        if !name.is_empty() {
            set_email(&mut user, Some(&format!("{name}@example.com")));
        }
        user
    });
    assert_eq!(numbers(it.counts().await), [40, 0, 0, 0, 0, 0]);
    let email = async |place| {
        let id = FakeClerk::served_user(place);
        let sql = format!("SELECT email FROM profiles WHERE clerk_id = '{id}'");
        it.pool.text(&sql).await
    };
    for (place, expected) in [
        (0, None),
        (39, Some("shared@example.com")),
        (1, Some("other@example.com")),
        (38, None),
        (2, Some("2@example.com")),
    ] {
        assert_eq!(email(place).await.as_deref(), expected, "{place}");
    }
}

async fn conflict_of_one_user_does_not_affect_others(database: TestDatabase) {
    let it = start::<Profile>(&database).await;
    // The index contains no claim column, so no row can give up its value.
    it.pool
        .execute("CREATE UNIQUE INDEX profiles_version ON profiles (clerk_version)")
        .await;
    it.fake.serve_users(30, |place| {
        let place = i64::try_from(place).expect("a place");
        user(
            &format!("user_{place}"),
            "Ada",
            if place == 17 { 13 } else { place },
        )
    });
    let steps = it.steps(it.import()).await;
    assert_eq!(numbers(steps[0].counts), [29, 0, 0, 0, 1, 0]);
    let [(id, NotImported::Conflict(_))] = &*steps[0].not_imported else {
        panic!("{steps:?}");
    };
    assert_eq!(*id, FakeClerk::served_user(17));
}

#[tokio::test]
async fn import_notifies_other_processes_of_its_writes() {
    let database = TestDatabase::postgres().await;
    let it = start::<Profile>(&database).await;
    let other = Profiles::start(&database).await;
    wait_until_listening(&other).await;
    // Few users are named; for a full page, the message states that any of their rows may have been written.
    for (count, updated_at) in [(1, 50), (500, 60)] {
        let ada = FakeClerk::served_user(0);
        let known = token(ada.as_str(), "Ada", updated_at - 10);
        let session = other.session(known).await;
        other.users.sync(&session).await.expect("it syncs");
        let kept = other.users.sync(&session).await.expect("it syncs");
        assert_eq!(kept.outcome, SyncOutcome::Cached);
        it.fake.serve_users(count, move |place| {
            user(&format!("user_{place}"), "Grace", updated_at)
        });
        it.counts().await;
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let synced = other.users.sync(&session).await.expect("it syncs");
            if synced.user.name.as_deref() == Some("Grace") {
                break;
            }
            assert!(Instant::now() < deadline, "the old row is served: {synced:?}");
            sleep(Duration::from_millis(1)).await;
        }
    }
}
