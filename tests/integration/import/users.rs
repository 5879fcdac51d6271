//! Imports all of Clerk's users into the table: by the rules of a request, with few statements, and repeatably.

mod missing;
mod pages;
mod rows;

use std::time::Duration;

use clerk_auth::backend_api::BackendApi;
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::{
    Import, ImportCounts, ImportProgress, NotImported, SyncError, SyncOutcome, UserSyncBuilder,
};
use clerk_auth::testing::{FakeClerk, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::token::Refusal;
use clerk_auth::{Clerk, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile};
use futures_util::{TryStreamExt, stream};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;

on_both_databases!(
    hook_runs_once_for_each_new_row,
    failing_hook_of_one_user_does_not_affect_others,
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
