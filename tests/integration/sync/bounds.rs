//! Tests of the guarantees among handles in one process, and of the bounds on storage and on running time.

use std::time::{Duration, Instant};

use clerk_auth::backend_api::BackendApi;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome::Cached;
use clerk_auth::sync::{NotImported, SyncError};
use clerk_auth::testing::{FakeClerk, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::{Session, SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Member, Pool, Profile, Profiles, token};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    write_through_one_handle_ends_the_copies_of_another,
    trigger_that_skips_a_row_is_named,
);

/// Reads the row until a copy of it is served.
async fn wait_until_cached(profiles: &Profiles, session: &Session) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while profiles.users.sync(session).await.expect("it syncs").outcome != Cached {
        assert!(Instant::now() < deadline, "no copy is served");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The handles share a pool; on SQLite, which has no notifications, they share a file.
async fn write_through_one_handle_ends_the_copies_of_another(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    let one = Profiles::start_on(pool.clone()).await;
    let mut others = vec![Profiles::start_on(pool.clone()).await];
    if database.is_sqlite() {
        others.push(Profiles::start(&database).await);
    } else {
        wait_until_listening(&one).await;
        wait_until_listening(&others[0]).await;
    }
    let reading = Profiles::<AlwaysRead>::always_read(pool).await;
    for (number, other) in others.iter().enumerate() {
        let id = format!("user_{number}");
        let session = one.session(token(&id, "Ada", 100)).await;
        let name = async || {
            let synced = one.users.sync(&session).await.expect("it syncs");
            (synced.outcome == Cached, synced.user.name)
        };
        wait_until_cached(&one, &session).await;
        other.sync(token(&id, "Grace", 200)).await.expect("it syncs");
        assert_eq!(name().await, (false, Some("Grace".to_owned())));
        wait_until_cached(&one, &session).await;
        // A handle on another struct, without a cache.
        reading.sync(token(&id, "Mary", 300)).await.expect("it syncs");
        assert_eq!(name().await, (false, Some("Mary".to_owned())));
        wait_until_cached(&one, &session).await;
        other
            .users
            .invalidate(session.user_id())
            .await
            .expect("other processes are notified");
        assert!(!name().await.0);
        wait_until_cached(&one, &session).await;
        other
            .users
            .delete(session.user_id())
            .await
            .expect("it is deleted");
        let gone = one.users.sync(&session).await;
        assert!(matches!(gone, Err(SyncError::UserDeleted)), "{gone:?}");
    }
}

async fn trigger_that_skips_a_row_is_named(database: TestDatabase) {
    let pool = Pool::open(database.url(), 5).await;
    let members = match &pool {
        Pool::Postgres(_) => Member::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => Member::migration_sql::<sqlx::Sqlite>(),
    };
    pool.execute(&members).await;
    pool.skip_writes("profiles", "INSERT", "NEW.clerk_id = 'user_bob'")
        .await;
    pool.skip_writes("members", "INSERT", "NEW.clerk_id = 'user_bob'")
        .await;
    import_without_bob::<Profile>(&pool, "profiles", None).await;
    pool.execute("INSERT INTO former_members (clerk_id) VALUES ('user_zoe')")
        .await;
    import_without_bob::<Member>(&pool, "members", Some("user_zoe")).await;
}

/// Imports three users, and sends a request of the user whose row the trigger skips.
async fn import_without_bob<U>(pool: &Pool, table: &str, deleted: Option<&str>)
where
    U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>,
{
    let fake = FakeClerk::start().await.expect("a port is free");
    let clerk = fake.clerk().build().expect("the configuration is right");
    let users: UserSync<U> = match pool {
        Pool::Postgres(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
        Pool::Sqlite(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
    }
    .expect("the table fits");
    for id in ["user_ada", "user_bob", "user_eve", "user_zoe"] {
        fake.put_user(user_object(id, Timestamp::from_secs(100)));
    }
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("they are right");
    // The import writes the page in one statement, and then one user at a time.
    for page_size in [10, 1] {
        pool.execute(&format!("DELETE FROM {table}")).await;
        let mut import = users.import(&api).page_size(page_size);
        let mut reasons = Vec::new();
        while let Some(step) = import.next().await {
            let step = step.expect("one user stops nobody else's import");
            reasons.extend(step.not_imported.into_iter().map(|(id, reason)| {
                let is_stored = !matches!(reason, NotImported::NotStored);
                (id.as_str().to_owned(), is_stored, reason.to_string())
            }));
        }
        let skipped = "the database stored no row: a trigger of the table skips it";
        let mut expected = vec![("user_bob".to_owned(), false, skipped.to_owned())];
        if let Some(deleted) = deleted {
            let reason = "the row is marked as deleted".to_owned();
            expected.push((deleted.to_owned(), true, reason));
        }
        reasons.sort();
        assert_eq!(reasons, expected, "pages of {page_size}");
        let rows = pool.number(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(rows, if deleted.is_some() { 2 } else { 3 });
    }
    let drift = users.verify(&api).await.expect("it is verified");
    assert_eq!(drift.missing.ids[0].as_str(), "user_bob");
    for (_, reason) in &drift.reasons {
        assert_eq!(reason, "the row is marked as deleted");
    }
    // A request of this user is refused, but not as that of a deleted user.
    let token = fake.issuer().token("user_bob").claim("email", "bob@example.com");
    let token = token.claim("name", "Bob").claim("updatedAt", 100).sign();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("it is a header's value");
    let headers: HeaderMap = [(AUTHORIZATION, value)].into_iter().collect();
    let session = clerk.authenticate(&headers).await.expect("the token is valid");
    let refused = users.sync(&session).await.map(|synced| synced.outcome);
    assert!(
        matches!(&refused, Err(SyncError::Database(error)) if matches!(**error, sqlx::Error::RowNotFound)),
        "{refused:?}"
    );
}

/// Uses the limit that the documentation of `sync_timeout` shows.
#[tokio::test]
async fn statement_timeout_ends_what_a_request_has_stopped_waiting_for() {
    let database = TestDatabase::postgres().await;
    let options: PgConnectOptions = database.url().parse().expect("the URL is right");
    let options = options
        .application_name("limited")
        .options([("statement_timeout", "1500ms")]);
    let others = Pool::open(database.url(), 2).await;
    let pool = PgPoolOptions::new()
        .max_connections(3)
        .connect_with(options)
        .await;
    let pool = Pool::Postgres(pool.expect("the server answers"));
    let profiles = Profiles::start_with(
        pool,
        |builder| builder.sync_timeout(Duration::from_secs(1)),
        |builder| builder,
    )
    .await;
    profiles
        .sync(token("user_ada", "Ada", 100))
        .await
        .expect("it syncs");
    let locking = others.postgres();
    let mut lock = locking.begin().await.expect("it begins");
    sqlx::query("SELECT 1 FROM profiles FOR UPDATE")
        .execute(&mut *lock)
        .await
        .expect("it is locked");
    let began = Instant::now();
    profiles
        .sync(token("user_ada", "Grace", 200))
        .await
        .expect_err("the row is locked");
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'limited' AND state = 'active'";
    while others.number(waiting).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "the statement goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(lock);
    let synced = profiles
        .sync(token("user_ada", "Grace", 200))
        .await
        .expect("it syncs");
    assert_eq!(synced.user.name.as_deref(), Some("Grace"));
}
