//! Linking offline during sign-ins, with a second run, during failures of Clerk and the database, and after a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::sync::{LinkError, NotLinked};
use clerk_auth::testing::SessionToken;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer};
use futures_util::future::join_all;
use serde_json::Value;

use super::offline::{Person, clerk_id, legacy, people, person, reasons, write};
use super::{clerk, process};

on_both_databases!(
    user_who_signs_in_meanwhile_never_has_two_rows,
    concurrent_runs_link_each_row_once,
    dropped_run_is_resumed_by_another,
    failing_clerk_ends_the_run_and_another_goes_on,
    user_who_changes_between_comparison_and_write_is_not_linked,
    row_that_changes_between_comparison_and_write_is_not_linked,
    hook_runs_in_the_transaction_of_each_link,
);

fn email(number: usize) -> String {
    format!("person{number}@example.com")
}

/// Creates a table with this many rows, and their users at Clerk.
async fn legacy_people(database: &TestDatabase, count: usize) -> (Pool, Vec<Value>) {
    let pool = people(database).await;
    for number in 1..=count {
        legacy(&pool, &email(number)).await;
    }
    let users = (1..=count).map(|number| person(&format!("user_{number}"), &email(number)));
    (pool, users.collect())
}

fn token(number: usize) -> SessionToken<'static> {
    issuer()
        .token(&format!("user_{number}"))
        .claim("externalId", Value::Null)
        .claim("email", email(number))
        .claim("updatedAt", 5)
}

async fn linked(pool: &Pool) -> i64 {
    pool.number("SELECT count(*) FROM people WHERE id <= 1000 AND clerk_id LIKE 'user%'")
        .await
}

async fn user_who_signs_in_meanwhile_never_has_two_rows(database: TestDatabase) {
    let (pool, users) = legacy_people(&database, 40).await;
    let (_fake, api) = clerk(users).await;
    let processes: Vec<Profiles<Person>> = [
        process(pool).await,
        process(Pool::open(database.url(), 4).await).await,
    ]
    .into();
    let sign_ins = join_all((1..=40).map(|number| processes[1].sync(token(number))));
    let (report, synced) = tokio::join!(processes[0].users.link(&api).write_rows().run(), sign_ins);
    let report = report.expect("no run fails for a race");
    for synced in synced {
        synced.expect("no request fails for a race");
    }
    // Each user has exactly one row: the linked one, or one of the request.
    let pool = &processes[0].pool;
    let of_users = "SELECT count(*) FROM people WHERE clerk_id LIKE 'user%'";
    assert_eq!(pool.number(of_users).await, 40, "{report}");
    let distinct = "SELECT count(DISTINCT clerk_id) FROM people WHERE clerk_id LIKE 'user%'";
    assert_eq!(pool.number(distinct).await, 40);
    let linked = i64::try_from(report.linked).expect("a number");
    let free = "SELECT count(*) FROM people WHERE clerk_id LIKE 'unlinked%'";
    assert_eq!(pool.number(free).await, 40 - linked, "{report}");
    let again = write(&processes[0], &api).await;
    assert_eq!((again.with_row, again.linked), (40, 0), "{again}");
}

async fn concurrent_runs_link_each_row_once(database: TestDatabase) {
    let (pool, users) = legacy_people(&database, 30).await;
    let (_fake, api) = clerk(users).await;
    let one = process::<Person>(pool).await;
    let other = process::<Person>(Pool::open(database.url(), 4).await).await;
    let (first, second) = tokio::join!(write(&one, &api), write(&other, &api));
    assert_eq!(first.linked + second.linked, 30, "{first}\n{second}");
    for report in [&first, &second] {
        let lost = reasons(&report.not_linked);
        assert!(
            lost.iter().all(|(_, reason)| *reason == Some(NotLinked::Changed)),
            "{report}"
        );
    }
    assert_eq!(linked(&one.pool).await, 30);
}

/// Only a part of the pairs was written, as after a crash.
async fn dropped_run_is_resumed_by_another(database: TestDatabase) {
    let (pool, users) = legacy_people(&database, 150).await;
    let (_fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;
    let mut run = people.users.link(&api).write_rows();
    loop {
        let progress = run.next().await.expect("there is more").expect("it goes on");
        if progress.written > 0 {
            assert_eq!(
                (progress.users, progress.pairs, progress.written),
                (150, Some(150), 100)
            );
            break;
        }
    }
    assert_eq!(run.report().linked, 100);
    drop(run);
    assert_eq!(linked(&people.pool).await, 100);
    let report = write(&people, &api).await;
    assert_eq!(
        (report.with_row, report.pairs.count, report.linked),
        (100, 50, 50),
        "{report}"
    );
    assert_eq!(linked(&people.pool).await, 150);
}

async fn failing_clerk_ends_the_run_and_another_goes_on(database: TestDatabase) {
    let (pool, users) = legacy_people(&database, 3).await;
    let (fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;
    // A transient failure or a rate limit is waited out.
    fake.fail_once(StatusCode::INTERNAL_SERVER_ERROR);
    let mut run = people
        .users
        .link(&api)
        .write_rows()
        .retry_for(Duration::from_secs(5));
    while run.report().pairs.count == 0 {
        run.next().await.expect("there is more").expect("it goes on");
    }
    drop(run);
    let mut run = people.users.link(&api).write_rows().retry_for(Duration::ZERO);
    while run.report().pairs.count == 0 {
        run.next().await.expect("there is more").expect("it goes on");
    }
    fake.fail(StatusCode::INTERNAL_SERVER_ERROR);
    let error = run.next().await.expect("there is more").expect_err("Clerk fails");
    assert!(matches!(error, LinkError::Ended(_)), "{error}");
    assert!(run.next().await.is_none());
    assert_eq!(linked(&people.pool).await, 0);
    fake.fail(None);
    assert_eq!(write(&people, &api).await.linked, 3);
}

async fn user_who_changes_between_comparison_and_write_is_not_linked(database: TestDatabase) {
    let (pool, users) = legacy_people(&database, 4).await;
    let (fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;
    let mut run = people.users.link(&api).write_rows();
    while run.report().pairs.count == 0 {
        run.next().await.expect("there is more").expect("it goes on");
    }
    fake.put_user(person("user_1", "other@example.com"));
    let mut unverified = person("user_2", &email(2));
    unverified["email_addresses"][0]["verification"]["status"] = "unverified".into();
    fake.put_user(unverified);
    fake.remove_user("user_3");
    let report = run.run().await.expect("it is written");
    let changed = |user: &str| (user.to_owned(), Some(NotLinked::Changed));
    assert_eq!(
        reasons(&report.not_linked),
        [changed("user_1"), changed("user_2"), changed("user_3")]
    );
    assert_eq!(report.linked, 1);
    assert_eq!(linked(&people.pool).await, 1);
}

async fn row_that_changes_between_comparison_and_write_is_not_linked(database: TestDatabase) {
    let (pool, users) = legacy_people(&database, 6).await;
    let (_fake, api) = clerk(users).await;
    let people = process::<Person>(pool).await;
    let mut run = people.users.link(&api).write_rows();
    while run.report().pairs.count == 0 {
        run.next().await.expect("there is more").expect("it goes on");
    }
    for sql in [
        "UPDATE people SET clerk_id = 'user_other' WHERE id = 1",
        "UPDATE people SET email = 'x' WHERE id = 2",
        "UPDATE people SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE id = 3",
        "INSERT INTO people (clerk_id, email, clerk_version) VALUES ('unlinked_again', 'person4@example.com', 0)",
        "INSERT INTO people (clerk_id, email, clerk_version) VALUES ('user_holder', 'person6@example.com', 7)",
    ] {
        people.pool.execute(sql).await;
    }
    let report = run.run().await.expect("it is written");
    let changed = [1, 2, 3, 4, 6].map(|number| (format!("user_{number}"), Some(NotLinked::Changed)));
    assert_eq!(reasons(&report.not_linked), changed);
    assert_eq!(report.linked, 1);
    assert_eq!(clerk_id(&people.pool, 1).await, "user_other");
    assert_eq!(clerk_id(&people.pool, 5).await, "user_5");
}

async fn hook_runs_in_the_transaction_of_each_link(database: TestDatabase) {
    let (pool, users) = legacy_people(&database, 2).await;
    let (_fake, api) = clerk(users).await;
    let (runs, refuses) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let hook = |runs: &Arc<AtomicUsize>, refuses: &Arc<AtomicBool>| {
        let (runs, refuses) = (Arc::clone(runs), Arc::clone(refuses));
        move |user: &Person| -> Result<(), &'static str> {
            assert!(user.email.is_some(), "the row is read as the struct");
            runs.fetch_add(1, Ordering::Relaxed);
            match refuses.load(Ordering::Relaxed) {
                true => Err("not yet"),
                false => Ok(()),
            }
        }
    };
    let (on_postgres, on_sqlite) = (hook(&runs, &refuses), hook(&runs, &refuses));
    let people = Profiles::<Person>::of_table(
        pool,
        |builder| {
            builder.on_link(move |_, user: &Person| {
                let done = on_postgres(user);
                Box::pin(async move { Ok(done?) })
            })
        },
        |builder| {
            builder.on_link(move |_, user: &Person| {
                let done = on_sqlite(user);
                Box::pin(async move { Ok(done?) })
            })
        },
    )
    .await;
    let report = write(&people, &api).await;
    let failed = |user: &str| (user.to_owned(), Some(NotLinked::OnLink));
    assert_eq!(reasons(&report.not_linked), [failed("user_1"), failed("user_2")]);
    assert_eq!((linked(&people.pool).await, runs.load(Ordering::Relaxed)), (0, 2));
    refuses.store(false, Ordering::Relaxed);
    assert_eq!(write(&people, &api).await.linked, 2);
    write(&people, &api).await;
    assert_eq!((linked(&people.pool).await, runs.load(Ordering::Relaxed)), (2, 4));
}
