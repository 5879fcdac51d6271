//! Imports all of Clerk's users into the table: by the rules of a request, with few statements, and repeatably.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::{
    Import, ImportCounts, ImportError, ImportProgress, NotImported, SyncError, SyncOutcome, UserSyncBuilder,
};
use clerk_auth::testing::{FakeClerk, Issuer, set_email, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::token::Refusal;
use clerk_auth::{Clerk, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, token};
use clerk_auth_tests::proxy::Proxy;
use futures_util::future::{join, join3};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use tokio::time::sleep;

use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    each_user_is_imported_by_the_rules_of_a_request,
    correct_row_is_not_written_again,
    row_newer_than_its_page_is_kept,
    dry_run_counts_and_writes_nothing,
    import_resumes_at_the_cursor_of_another,
    many_users_are_written_however_they_are_paged,
    rate_limits_and_failures_are_retried,
    permanent_failure_ends_the_import,
    user_twice_on_a_page_is_written_once,
    concurrent_imports_and_requests_keep_rows_correct,
    unique_value_follows_the_rules_of_a_request,
    conflict_of_one_user_does_not_affect_others,
    hook_runs_once_for_each_new_row,
    failing_hook_of_one_user_does_not_affect_others,
    user_unknown_to_clerk_is_deleted_on_request,
    row_with_a_placeholder_is_neither_deleted_nor_reported,
    user_with_a_tombstone_is_not_imported_again,
    secret_key_of_another_instance_writes_nothing,
    replaced_key_does_not_make_another_instance,
    drift_is_reported_and_nothing_is_written,
);

/// A row with a column of each role.
#[derive(Clone, Debug, SyncedUser)]
#[synced_user(
    table = "members",
    template_json = r#"{
        "email": "{{user.primary_email_address}}", "name": "{{user.first_name}}", "nick": "{{user.username}}",
        "updatedAt": "{{user.updated_at}}"
    }"#,
    database(postgres, sqlite)
)]
#[expect(dead_code, reason = "the table is looked at")]
struct Member {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    #[claim(required)]
    email: String,
    name: Option<String>,
    #[claim(insert_only)]
    nick: Option<String>,
    #[column(app)]
    credits: i64,
    #[column(updated_at)]
    changed: chrono::DateTime<chrono::Utc>,
}

struct Fixture<U: SyncedUser> {
    fake: FakeClerk,
    clerk: Clerk,
    api: BackendApi,
    users: UserSync<U>,
    pool: Pool,
}

fn api(url: &str) -> BackendApi {
    BackendApi::with_base_url(url, "sk_test_secret").expect("the key and the address are right")
}

async fn start<U>(database: &TestDatabase) -> Fixture<U>
where
    U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>,
{
    start_with(database, |builder| builder, |builder| builder).await
}

async fn start_with<U>(
    database: &TestDatabase,
    postgres: impl FnOnce(UserSyncBuilder<U, sqlx::PgPool>) -> UserSyncBuilder<U, sqlx::PgPool>,
    sqlite: impl FnOnce(UserSyncBuilder<U, sqlx::SqlitePool>) -> UserSyncBuilder<U, sqlx::SqlitePool>,
) -> Fixture<U>
where
    U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>,
{
    let fake = FakeClerk::start().await.expect("a port is free");
    let clerk = fake.clerk().build().expect("the configuration is right");
    let pool = Pool::open(database.url(), 5).await;
    let sql = match &pool {
        Pool::Postgres(_) => U::migration_sql::<sqlx::Postgres>(),
        Pool::Sqlite(_) => U::migration_sql::<sqlx::Sqlite>(),
    };
    pool.execute(&sql.replace("CREATE TABLE \"", "CREATE TABLE IF NOT EXISTS \""))
        .await;
    let users = match &pool {
        Pool::Postgres(pool) => {
            postgres(UserSync::builder(clerk.clone(), pool.clone()))
                .build()
                .await
        }
        Pool::Sqlite(pool) => {
            sqlite(UserSync::builder(clerk.clone(), pool.clone()))
                .build()
                .await
        }
    };
    Fixture {
        api: api(fake.issuer().url()),
        users: users.expect("the table fits"),
        fake,
        clerk,
        pool,
    }
}

/// Returns a user object that was last changed at a second.
fn user(id: &str, name: &str, updated_at: i64) -> Value {
    let mut user = user_object(id, Timestamp::from_secs(100));
    user["first_name"] = name.into();
    user["username"] = "nick".into();
    user["updated_at"] = (updated_at * 1_000).into();
    user
}

impl<U: SyncedUser> Fixture<U> {
    fn import(&self) -> Import<U> {
        self.users.import(&self.api)
    }

    async fn counts(&self) -> ImportCounts {
        self.import().run().await.expect("it is imported")
    }

    /// Runs an import, and returns its steps.
    async fn steps(&self, import: Import<U>) -> Vec<ImportProgress> {
        let steps = stream::unfold(import, async |mut import| Some((import.next().await?, import)));
        steps.try_collect().await.expect("it is imported")
    }

    /// Makes a request of a user whose token was minted after a change at a second.
    async fn sync(&self, id: &str, name: &str, updated_at: i64) -> Result<SyncOutcome, SyncError> {
        let claims = user(id, name, updated_at);
        let token = self.fake.issuer().token(id).template(U::TEMPLATE, &claims).sign();
        let bearer = format!("Bearer {token}").parse().expect("a header value");
        let headers: HeaderMap = [(AUTHORIZATION, bearer)].into_iter().collect();
        match self.clerk.authenticate(&headers).await {
            Ok(session) => self.users.sync(&session).await.map(|synced| synced.outcome),
            // The denial and the row answer alike: 401 `user_deleted`.
            Err(AuthenticationError::Refused(Refusal::UserDeleted)) => Err(SyncError::UserDeleted),
            Err(error) => panic!("{error}"),
        }
    }

    async fn number(&self, sql: &str) -> i64 {
        self.pool.number(sql).await
    }

    /// Returns the name in a user's row.
    async fn name(&self, id: &str) -> Option<String> {
        let sql = format!("SELECT name FROM {} WHERE clerk_id = '{id}'", U::TABLE);
        self.pool.text(&sql).await
    }
}

/// Returns the numbers of inserted, updated, unchanged, skipped, conflicted and deleted.
fn numbers(counts: ImportCounts) -> [u64; 6] {
    [
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.skipped,
        counts.conflicted,
        counts.deleted,
    ]
}

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

async fn dry_run_counts_and_writes_nothing(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    for id in ["user_changed", "user_gone"] {
        it.sync(id, "Old", 5).await.expect("it syncs");
    }
    it.fake.put_user(user("user_changed", "New", 50));
    it.fake.put_user(user("user_new", "New", 50));
    let import = || it.import().delete_missing();
    let counts = import().dry_run().run().await.expect("it is counted");
    assert_eq!(numbers(counts), [1, 1, 0, 0, 0, 1]);
    let untouched = "SELECT count(*) FROM members WHERE name = 'Old' AND clerk_deleted_at IS NULL";
    assert_eq!(it.number(untouched).await, 2);
    assert_eq!(it.number("SELECT count(*) FROM members").await, 2);
    assert_eq!(import().run().await.expect("it is imported"), counts);
}

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

/// Starts a process that creates a cart for each new profile; the hook fails for `fails_for` after creating it.
async fn with_carts(database: &TestDatabase, fails_for: &'static str) -> Fixture<Profile> {
    macro_rules! hook {
        () => {
            move |builder| {
                // A machine that is busy with other tests does not count as an outage.
                let builder = builder.sync_timeout(Duration::from_secs(30));
                builder.on_insert(move |connection, profile| {
                    Box::pin(async move {
                        sqlx::query("INSERT INTO carts (profile_id) VALUES ($1)")
                            .bind(profile.id)
                            .execute(connection)
                            .await?;
                        if profile.name.as_deref() == Some(fails_for) {
                            return Err("the mail server is down".into());
                        }
                        Ok(())
                    })
                })
            }
        };
    }
    let pool = Pool::open(database.url(), 1).await;
    pool.execute("CREATE TABLE carts (profile_id BIGINT NOT NULL UNIQUE REFERENCES profiles (id))")
        .await;
    start_with::<Profile>(database, hook!(), hook!()).await
}

async fn hook_runs_once_for_each_new_row(database: TestDatabase) {
    let it = with_carts(&database, "nobody").await;
    it.fake
        .serve_users(30, |place| user(&format!("user_{place}"), "Ada", 50));
    let known = FakeClerk::served_user(3);
    it.sync(known.as_str(), "Old", 5).await.expect("it syncs");
    let counts = it.import().page_size(20).run().await.expect("it is imported");
    assert_eq!(numbers(counts), [29, 1, 0, 0, 0, 0]);
    assert_eq!(numbers(it.counts().await), [0, 0, 30, 0, 0, 0]);
    assert_eq!(it.number("SELECT count(*) FROM carts").await, 30);
}

async fn failing_hook_of_one_user_does_not_affect_others(database: TestDatabase) {
    let it = with_carts(&database, "Eve").await;
    it.fake.serve_users(30, |place| {
        user(
            &format!("user_{place}"),
            if place == 11 { "Eve" } else { "Ada" },
            50,
        )
    });
    let steps = it.steps(it.import()).await;
    assert_eq!(numbers(steps[0].counts), [29, 0, 0, 1, 0, 0]);
    assert!(
        matches!(&*steps[0].not_imported, [(_, NotImported::OnInsert(_))]),
        "{steps:?}"
    );
    assert_eq!(it.number("SELECT count(*) FROM profiles").await, 29);
    assert_eq!(it.number("SELECT count(*) FROM carts").await, 29);
}

async fn user_unknown_to_clerk_is_deleted_on_request(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.fake
        .serve_users(230, |place| user(&format!("user_{place}"), "Ada", 50));
    it.counts().await;
    let gone = [0, 99, 100, 229].map(FakeClerk::served_user);
    for id in &gone {
        it.fake.remove_user(id.as_str());
    }
    assert_eq!(it.api.user_count().await.expect("Clerk counts"), 226);
    assert_eq!(numbers(it.counts().await), [0, 0, 226, 0, 0, 0]);
    let deleted = "SELECT count(*) FROM members WHERE clerk_deleted_at IS NOT NULL";
    assert_eq!(it.number(deleted).await, 0);
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(counts), [0, 0, 226, 0, 0, 4]);
    assert_eq!(it.number(deleted).await, 4);
    for id in &gone {
        let refused = it.sync(id.as_str(), "Ada", 90).await;
        assert!(matches!(refused, Err(SyncError::UserDeleted)), "{refused:?}");
    }
    // Rows are looked up at Clerk a hundred at a time, and missing users separately.
    let by_name = format!("/v1/users/{}", gone[0]);
    assert_eq!(it.fake.requests(&by_name), 1);
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(counts.deleted, 0);
}

async fn row_with_a_placeholder_is_neither_deleted_nor_reported(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.sync("user_gone", "Gone", 5).await.expect("it syncs");
    it.fake.put_user(user("user_ada", "Ada", 50));
    for id in ["unlinked_7", "", "42", "legacy_user_7"] {
        it.pool
            .execute(&format!(
                "INSERT INTO members (clerk_id, email, name, clerk_version) VALUES ('{id}', 'old@example.com', 'Legacy', 0)"
            ))
            .await;
    }
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(counts), [1, 0, 0, 0, 0, 1]);
    let kept = "SELECT count(*) FROM members WHERE name = 'Legacy' AND clerk_deleted_at IS NULL AND clerk_version = 0";
    assert_eq!(it.number(kept).await, 4);
    let drift = it.users.verify(&it.api).await.expect("it is compared");
    assert!(drift.is_empty(), "{drift}");
}

async fn user_with_a_tombstone_is_not_imported_again(database: TestDatabase) {
    let it = start::<clerk_auth_tests::profiles::Member>(&database).await;
    for id in ["user_ada", "user_bob", "user_eve"] {
        it.fake.put_user(user(id, id, 50));
    }
    assert_eq!(numbers(it.counts().await), [3, 0, 0, 0, 0, 0]);
    // Clerk's list may be older than a deletion that a webhook has reported.
    it.pool
        .execute("INSERT INTO former_members (clerk_id) VALUES ('user_eve'), ('user_new')")
        .await;
    it.pool
        .execute("DELETE FROM members WHERE clerk_id = 'user_eve'")
        .await;
    for id in ["user_ada", "user_eve", "user_new", "user_one", "user_two"] {
        it.fake.put_user(user(id, "Later", 60));
    }
    assert_eq!(numbers(it.counts().await), [2, 1, 1, 2, 0, 0]);
    assert_eq!(it.number("SELECT count(*) FROM members").await, 4);
    // A user who no longer exists at Clerk loses the row, and is recorded as deleted.
    it.fake.remove_user("user_bob");
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(counts.deleted, 1);
    assert_eq!(it.number("SELECT count(*) FROM members").await, 3);
    assert_eq!(it.number("SELECT count(*) FROM former_members").await, 3);
}

async fn secret_key_of_another_instance_writes_nothing(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.sync("user_ada", "Ada", 5).await.expect("it syncs");
    let other = FakeClerk::start().await.expect("a port is free");
    other.put_user(user("user_stranger", "Eve", 50));
    let other = api(other.issuer().url());
    let import = it.users.import(&other).delete_missing().run().await;
    assert!(
        matches!(import, Err(ImportError::OtherInstance { .. })),
        "{import:?}"
    );
    let verified = it.users.verify(&other).await;
    assert!(
        matches!(verified, Err(ImportError::OtherInstance { .. })),
        "{verified:?}"
    );
    let rows = "SELECT count(*) FROM members WHERE clerk_deleted_at IS NULL";
    assert_eq!(it.number(rows).await, 1);

    // Like above, for a handle with its key as PEM.
    let clerk = Clerk::builder()
        .issuer(it.fake.issuer().url())
        .jwt_key(it.fake.issuer().public_key_pem())
        .build()
        .expect("the configuration is right");
    let users: UserSync<Member> = match &it.pool {
        Pool::Postgres(pool) => UserSync::new(clerk, pool.clone()).await,
        Pool::Sqlite(pool) => UserSync::new(clerk, pool.clone()).await,
    }
    .expect("the table fits");
    let import = users.import(&other).run().await;
    assert!(
        matches!(import, Err(ImportError::OtherInstance { .. })),
        "{import:?}"
    );
    users.import(&it.api).run().await.expect("it is of this instance");
    // Without Clerk's keys, no answer is trusted.
    let keyless = FakeClerk::start().await.expect("a port is free");
    keyless.publish(json!({ "keys": [] }));
    let import = it.users.import(&api(keyless.issuer().url())).run().await;
    assert!(
        matches!(import, Err(ImportError::OtherInstance { .. })),
        "{import:?}"
    );
}

async fn replaced_key_does_not_make_another_instance(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.users
        .import(&it.api)
        .run()
        .await
        .expect("it is of this instance");
    // Clerk's key ids are those of the instance, so a new key has the old id.
    it.fake.publish(Issuer::new(it.fake.issuer().url()).jwks());
    it.fake.put_user(user("user_ada", "Ada", 50));
    let counts = it
        .users
        .import(&it.api)
        .run()
        .await
        .expect("it is of this instance");
    assert_eq!(counts.inserted, 1);
}

async fn drift_is_reported_and_nothing_is_written(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    for id in [
        "user_stale",
        "user_same",
        "user_deleted",
        "user_newer",
        "user_extra",
    ] {
        it.sync(id, "Old", 5).await.expect("it syncs");
    }
    it.sync("user_newer", "Newer", 90).await.expect("it syncs");
    let tombstone = "UPDATE members SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_id = 'user_deleted'";
    it.pool.execute(tombstone).await;
    for (id, name) in [
        ("user_stale", "New"),
        ("user_same", "Old"),
        ("user_deleted", "Old"),
        ("user_newer", "New"),
        ("user_missing", "New"),
        ("user_null", "New"),
    ] {
        it.fake.put_user(user(id, name, 50));
    }
    let mut null = user("user_null", "New", 50);
    set_email(&mut null, None);
    it.fake.put_user(null);

    let drift = it.users.verify(&it.api).await.expect("it is verified");
    assert!(!drift.is_empty());
    let list = |id: &str| json!({ "count": 1, "ids": [id] });
    assert_eq!(
        serde_json::to_value(&drift).expect("it is JSON"),
        json!({
            "in_clerk": 6,
            "rows": 4,
            "missing": list("user_missing"),
            "stale": list("user_stale"),
            "extra": list("user_extra"),
            "deleted": list("user_deleted"),
            "unreadable": list("user_null"),
            "reasons": [
                ["user_null", "claim `email` is null"],
                ["user_deleted", "the row is marked as deleted"],
            ],
        })
    );
    assert_eq!(
        drift.to_string(),
        "6 users, 4 rows: 1 missing, 1 stale, 1 extra, 1 deleted, 1 unreadable\nmissing user_missing\nstale user_stale\n\
         extra user_extra\ndeleted user_deleted: the row is marked as deleted\n\
         unreadable user_null: claim `email` is null"
    );
    assert_eq!(it.users.verify(&it.api).await.expect("it is verified"), drift);

    it.import().delete_missing().run().await.expect("it is imported");
    let drift = it.users.verify(&it.api).await.expect("it is verified");
    assert_eq!(
        (drift.missing.count, drift.stale.count, drift.extra.count),
        (0, 0, 0)
    );
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
