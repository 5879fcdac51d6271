//! Behind PgBouncer in transaction mode, each transaction of a connection may run in another server session, with other
//! connections' statements of the same names.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::id::UserId;
use clerk_auth::routing::webhooks;
use clerk_auth::row::StoredIn;
use clerk_auth::schema::SchemaError;
use clerk_auth::sync::SyncOutcome::{Inserted, Unchanged, Updated};
use clerk_auth::sync::{CREATE_DELIVERIES, Deletion, SyncError, UserSyncBuilder};
use clerk_auth::testing::{FakeClerk, SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::pooler::Pooler;
use clerk_auth_tests::profiles::{Member, Pool, Profile, Profiles, issuer, token};
use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::time::sleep;
use tower::ServiceExt;

/// Fewer than the connections of the pool, so that sessions are shared.
const SERVER_CONNECTIONS: u32 = 3;

struct Behind {
    database: TestDatabase,
    pooler: Pooler,
}

impl Behind {
    async fn start() -> Self {
        Self::with_server_connections(SERVER_CONNECTIONS).await
    }

    async fn with_server_connections(server_connections: u32) -> Self {
        let database = TestDatabase::postgres().await;
        let pooler = Pooler::in_front_of(&database, server_connections);
        let behind = Self { database, pooler };
        // Creates the table.
        behind.past().await;
        behind
    }

    fn options(&self) -> PgConnectOptions {
        self.pooler.url().parse().expect("the URL is right")
    }

    fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(10)
            .connect_lazy_with(self.options().statement_cache_capacity(0))
    }

    async fn process(&self) -> Profiles {
        self.process_with(|builder| builder).await
    }

    async fn process_with<U>(
        &self,
        more: impl FnOnce(UserSyncBuilder<U, PgPool>) -> UserSyncBuilder<U, PgPool>,
    ) -> Profiles<U>
    where
        U: SyncedUser + StoredIn<sqlx::Postgres> + StoredIn<sqlx::Sqlite>,
    {
        Profiles::of_table(
            Pool::Postgres(self.pool()),
            |builder| {
                more(
                    builder
                        .transaction_pooling()
                        .sync_timeout(Duration::from_secs(30)),
                )
            },
            |builder| builder,
        )
        .await
    }

    /// Opens a pool that bypasses the pooler, like a migration.
    async fn past(&self) -> Pool {
        Pool::open(self.database.url(), 1).await
    }

    async fn execute(&self, sql: &str) {
        self.past().await.execute(sql).await;
    }

    async fn number(&self, sql: &str) -> i64 {
        self.past().await.number(sql).await
    }

    /// Returns the number of channels on which this many sessions of the pooler listen, all checked at once.
    async fn channels(&self, sessions: u32) -> i64 {
        const COUNT: &str = "SELECT count(*) FROM pg_listening_channels()";
        let pool = self.pool();
        let all = (0..sessions).map(|_| pool.begin());
        let mut sessions = try_join_all(all).await.expect("there are as many");
        let mut channels = 0;
        for session in &mut sessions {
            let row = sqlx::raw_sql(COUNT).fetch_one(&mut **session).await;
            channels += row.expect("it counts").get::<i64, _>(0);
        }
        channels
    }
}

/// Documents the purpose of the mode. If the test fails, sqlx or PgBouncer no longer needs the mode.
#[tokio::test]
async fn sqlx_without_the_setting_fails() {
    let behind = Behind::start().await;
    let pool = behind.pool();
    let requests = (0..50_i64).map(|number| {
        let query = sqlx::query_scalar::<_, i64>("SELECT $1").bind(number);
        query.fetch_one(&pool)
    });
    let answers = join_all(requests).await;
    let failed = answers.iter().filter_map(|answer| answer.as_ref().err());
    let failed: Vec<String> = failed.map(ToString::to_string).collect();
    assert!(
        failed.iter().any(|error| error.contains("already exists")),
        "{failed:?}"
    );
}

#[tokio::test]
async fn users_are_inserted_updated_and_kept() {
    // Old users, and fresh sign-ups.
    for signed_up in [0, SystemClock.now().as_secs() - 30] {
        let behind = Behind::start().await;
        let profiles = behind.process().await;
        let users: Vec<String> = (0..30).map(|number| format!("user_{number}")).collect();
        for (name, later, expected) in [
            ("Ada", 5, Inserted),
            ("Ada", 5, Unchanged),
            ("Grace", 7, Updated),
            ("Late", 6, Unchanged),
            ("Grace", 9, Unchanged),
        ] {
            let requests = users
                .iter()
                .map(|user| profiles.sync(token(user, name, signed_up + later)));
            for (user, synced) in users.iter().zip(join_all(requests).await) {
                let synced = synced.expect("it syncs");
                assert_eq!(synced.outcome, expected, "{user} {name}");
                assert_eq!(synced.user.clerk_id, *user);
                let expected = if name == "Late" { "Grace" } else { name };
                assert_eq!(synced.user.name.as_deref(), Some(expected));
            }
        }
        let version = (signed_up + 9) * 1_000 + 999;
        let newest =
            format!("SELECT count(*) FROM profiles WHERE name = 'Grace' AND clerk_version = {version}");
        assert_eq!(behind.number(&newest).await, 30, "a newer version is noted");
    }
}

#[tokio::test]
async fn unchanged_users_are_not_written() {
    let behind = Behind::start().await;
    let profiles = behind.process().await;
    let version = "SELECT xmin::text::bigint FROM profiles";
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    let written = behind.number(version).await;
    for _ in 0..10 {
        let synced = profiles.sync(token("user_ada", "Ada", 5)).await;
        assert_eq!(synced.expect("it syncs").outcome, Unchanged);
    }
    assert_eq!(behind.number(version).await, written);
}

#[tokio::test]
async fn flood_of_users_is_read_in_batches() {
    let behind = Behind::start().await;
    behind
        .execute(
            "INSERT INTO profiles (clerk_id, email, name, clerk_version) \
             SELECT 'user_' || n, 'user_' || n || '@example.com', 'Ada', 5999 FROM generate_series(1, 500) n",
        )
        .await;
    let profiles = behind.process().await;
    let users: Vec<String> = (1..=500).map(|number| format!("user_{number}")).collect();
    let requests = users.iter().map(|user| profiles.sync(token(user, "Ada", 5)));
    for (user, synced) in users.iter().zip(join_all(requests).await) {
        let synced = synced.expect("it syncs");
        assert_eq!((synced.outcome, synced.user.clerk_id), (Unchanged, user.clone()));
    }
}

#[tokio::test]
async fn ten_first_requests_of_two_processes_make_one_row() {
    let behind = Behind::start().await;
    let processes = [behind.process().await, behind.process().await];
    let requests = (0..10).map(|number| processes[number % 2].sync(token("user_ada", "Ada", 5)));
    let synced = join_all(requests).await;
    let rows: Vec<_> = synced.into_iter().map(|it| it.expect("it syncs")).collect();
    assert_eq!(
        rows.iter().filter(|row| row.outcome == Inserted).count(),
        1,
        "{rows:?}"
    );
    assert!(rows.iter().all(|row| row.user == rows[0].user), "{rows:?}");
    assert_eq!(behind.number("SELECT count(*) FROM profiles").await, 1);
}

#[tokio::test]
async fn unique_value_goes_to_the_newer_row() {
    let behind = Behind::start().await;
    behind
        .execute("CREATE UNIQUE INDEX profiles_email ON profiles (email)")
        .await;
    let profiles = behind.process().await;
    let shared = "shared@example.com";
    for (user_id, updated_at) in [("user_old", 5), ("user_new", 6)] {
        let synced = profiles
            .sync(token(user_id, "Ada", updated_at).claim("email", shared))
            .await;
        let synced = synced.expect("no user is locked out");
        assert_eq!(synced.user.email.as_deref(), Some(shared));
    }
    let without = "SELECT count(*) FROM profiles WHERE clerk_id = 'user_old' AND email IS NULL";
    assert_eq!(behind.number(without).await, 1);
}

#[tokio::test]
async fn hook_runs_once_in_the_transaction_of_the_insert() {
    let behind = Behind::start().await;
    behind
        .execute("CREATE TABLE carts (profile_id BIGINT NOT NULL REFERENCES profiles (id))")
        .await;
    let started = behind.process_with::<Profile>(|builder| {
        builder.on_insert(|connection, profile| {
            Box::pin(async move {
                sqlx::query("INSERT INTO carts (profile_id) VALUES ($1)")
                    .bind(profile.id)
                    .execute(connection)
                    .await?;
                match profile.name.as_deref() {
                    Some("Fails") => Err("the mail server is down".into()),
                    _ => Ok(()),
                }
            })
        })
    });
    let profiles = started.await;
    for _ in 0..3 {
        let failed = profiles.sync(token("user_ada", "Fails", 5)).await;
        assert!(matches!(failed, Err(SyncError::OnInsert(_))), "{failed:?}");
    }
    assert_eq!(behind.number("SELECT count(*) FROM profiles").await, 0);
    let requests = (0..10).map(|_| profiles.sync(token("user_ada", "Ada", 5)));
    for synced in join_all(requests).await {
        synced.expect("it syncs");
    }
    assert_eq!(behind.number("SELECT count(*) FROM carts").await, 1);
}

#[tokio::test]
async fn deleted_users_stay_deleted() {
    let behind = Behind::start().await;
    behind.execute(&Member::migration_sql::<sqlx::Postgres>()).await;
    behind.execute("CREATE TABLE farewells (user_id BIGINT)").await;
    let profiles = behind.process().await;
    let members = behind.process_with::<Member>(|builder| {
        builder.on_delete(|connection, member| {
            Box::pin(async move {
                sqlx::query("INSERT INTO farewells (user_id) VALUES ($1)")
                    .bind(member.id)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
    });
    let members = members.await;
    for round in 0..10 {
        let user_id = format!("user_{round}");
        let id = UserId::new(&*user_id);
        profiles.sync(token(&user_id, "Ada", 5)).await.expect("it syncs");
        members.sync(token(&user_id, "Ada", 5)).await.expect("it syncs");
        for expected in [Deletion::Deleted, Deletion::AlreadyDeleted] {
            assert_eq!(profiles.users.delete(&id).await.expect("it deletes"), expected);
            let deletions = [members.users.delete(&id), members.users.delete(&id)];
            let mut deletions = join_all(deletions).await.into_iter();
            let both: [Deletion; 2] = std::array::from_fn(|_| {
                let deletion = deletions.next().expect("there are two");
                deletion.expect("it deletes")
            });
            assert_eq!(both.contains(&Deletion::Deleted), expected == Deletion::Deleted);
        }
        let late = profiles.sync(token(&user_id, "Late", 9)).await;
        assert!(matches!(late, Err(SyncError::UserDeleted)), "{late:?}");
        let late = members.sync(token(&user_id, "Late", 9)).await;
        assert!(matches!(late, Err(SyncError::UserDeleted)), "{late:?}");
    }
    assert_eq!(behind.number("SELECT count(*) FROM members").await, 0);
    assert_eq!(behind.number("SELECT count(*) FROM farewells").await, 10);
}

#[tokio::test]
async fn deliveries_are_applied_and_seen_once() {
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let behind = Behind::start().await;
    behind.execute("CREATE TABLE received (id TEXT NOT NULL)").await;
    behind.execute(CREATE_DELIVERIES).await;
    let started = behind.process_with::<Profile>(|builder| {
        builder.on_event_once(|connection, delivery| {
            Box::pin(async move {
                sqlx::query("INSERT INTO received (id) VALUES ($1)")
                    .bind(delivery.id.as_str())
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
    });
    let profiles = started.await;
    let now = profiles.clock.now();
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let router: Router = Router::new().route("/", webhooks(&profiles.users, verifier));
    let users = (0..20).map(|number| {
        let user = user_object(&format!("user_{number}"), Timestamp::from_secs(100));
        event("user.created", user, now)
    });
    let gone = json!({ "id": "user_0", "object": "user", "deleted": true });
    for deliveries in [users.collect(), vec![event("user.deleted", gone, now)]] {
        let signed: Vec<_> = deliveries
            .iter()
            .map(|event| SignedDelivery::new(SECRET, event, now))
            .collect();
        for _ in 0..2 {
            let answers = signed
                .iter()
                .map(|delivery| router.clone().oneshot(delivery.request("/")));
            for answer in join_all(answers).await {
                let status = answer.expect("a router answers").status();
                assert_eq!(status, StatusCode::NO_CONTENT);
            }
        }
    }
    let alive = "SELECT count(*) FROM profiles WHERE clerk_deleted_at IS NULL";
    assert_eq!(behind.number(alive).await, 19);
    assert_eq!(behind.number("SELECT count(*) FROM received").await, 21);
}

#[tokio::test]
async fn users_are_imported_and_compared() {
    const USERS: usize = 300;
    let behind = Behind::start().await;
    let fake = FakeClerk::start().await.expect("a port is free");
    let clerk = fake.clerk().build().expect("the configuration is right");
    let users: UserSync<Profile> = UserSync::builder(clerk, behind.pool())
        .transaction_pooling()
        .build()
        .await
        .expect("the table fits");
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
    let user = |name: &'static str, updated_at: i64| {
        move |place: usize| {
            let mut user = user_object(
                FakeClerk::served_user(place).as_str(),
                Timestamp::from_secs(updated_at),
            );
            user["first_name"] = name.into();
            user
        }
    };
    let import = || users.import(&api).page_size(70).run();

    fake.serve_users(USERS, user("Ada", 100));
    let counts = import().await.expect("it is imported");
    assert_eq!((counts.inserted, counts.total()), (300, 300), "{counts}");
    let counts = import().await.expect("it is imported");
    assert_eq!((counts.unchanged, counts.total()), (300, 300), "{counts}");
    // Unchanged users at a newer version, then a change.
    fake.serve_users(USERS, user("Ada", 200));
    let counts = import().await.expect("it is imported");
    assert_eq!((counts.unchanged, counts.total()), (300, 300), "{counts}");
    let raised = "SELECT count(*) FROM profiles WHERE clerk_version = 200000";
    assert_eq!(behind.number(raised).await, 300);
    fake.serve_users(USERS, user("Grace", 300));
    let drift = users.verify(&api).await.expect("it is compared");
    assert_eq!((drift.stale.count, drift.rows), (300, 300), "{drift}");
    let counts = import().await.expect("it is imported");
    assert_eq!((counts.updated, counts.total()), (300, 300), "{counts}");
    // Users who no longer exist at Clerk.
    fake.serve_users(USERS - 10, user("Grace", 300));
    let counts = users.import(&api).delete_missing().run().await;
    assert_eq!(counts.expect("it is imported").deleted, 10);
    let drift = users.verify(&api).await.expect("it is compared");
    assert!(drift.is_empty(), "{drift}");
}

#[tokio::test]
async fn one_process_sees_what_another_has_written() {
    let behind = Behind::start().await;
    let (one, other) = (behind.process().await, behind.process().await);
    let id = UserId::new("user_ada");
    let session = other.session(token("user_ada", "Ada", 5)).await;
    other.users.sync(&session).await.expect("it syncs");
    for round in 1..=20 {
        let name = format!("Grace {round}");
        one.sync(token("user_ada", &name, 5 + round))
            .await
            .expect("it syncs");
        let seen = other.users.sync(&session).await.expect("it syncs");
        assert_eq!(seen.user.name.as_deref(), Some(&*name));
    }
    // A write of the application itself.
    let written = one.users.write_through(&id, async {
        let pool = one.pool.postgres();
        let mut transaction = pool.begin_with("BEGIN; DEALLOCATE ALL").await?;
        let row = sqlx::query_as::<_, (i64, Option<String>)>(
            "UPDATE profiles SET name = $1 WHERE clerk_id = $2 RETURNING id, email",
        )
        .bind("Written")
        .bind("user_ada")
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(Profile {
            id: row.0,
            clerk_id: "user_ada".to_owned(),
            email: row.1,
            name: Some("Written".to_owned()),
        })
    });
    assert_eq!(written.await.expect("it writes").name.as_deref(), Some("Written"));
    for process in [&one, &other] {
        let seen = process.users.sync(&session).await.expect("it syncs");
        assert_eq!(seen.user.name.as_deref(), Some("Written"));
        process
            .users
            .invalidate(&id)
            .await
            .expect("other processes are notified");
    }
}

/// A `LISTEN` would remain in the session, and send notifications to its next client.
#[tokio::test]
async fn configured_process_leaves_no_listen_behind() {
    let behind = Behind::start().await;
    let profiles = behind.process().await;
    keeps_nothing_and_listens_nowhere(&behind, SERVER_CONNECTIONS, &profiles).await;
}

/// With one session and one connection, statements are found again, so only `LISTEN` reveals the pooler.
#[tokio::test]
async fn unconfigured_process_leaves_no_listen_behind() {
    let behind = Behind::with_server_connections(1).await;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(behind.options());
    let profiles = Profiles::start_on(Pool::Postgres(pool)).await;
    keeps_nothing_and_listens_nowhere(&behind, 1, &profiles).await;
}

async fn keeps_nothing_and_listens_nowhere(behind: &Behind, sessions: u32, profiles: &Profiles) {
    let session = profiles.session(token("user_ada", "Ada", 5)).await;
    profiles.users.sync(&session).await.expect("it syncs");
    // Longer than a process needs to verify `LISTEN`.
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        let again = profiles.users.sync(&session).await.expect("it syncs");
        assert_eq!(again.outcome, Unchanged, "no row is kept");
        assert_eq!(behind.channels(sessions).await, 0);
        sleep(Duration::from_millis(20)).await;
    }
}

fn clerk() -> Clerk {
    let clerk = Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem());
    clerk.build().expect("the configuration is right")
}

#[tokio::test]
async fn unconfigured_builder_fails_with_the_setting() {
    // Another client has left a statement in the session.
    let behind = Behind::with_server_connections(1).await;
    let other = behind.pool();
    let left = sqlx::query_scalar::<_, i64>("SELECT $1").bind(1_i64);
    left.fetch_one(&other).await.expect("nobody was there before");
    let refused = UserSync::<Profile>::new(clerk(), PgPool::connect_lazy_with(behind.options())).await;
    let error = refused.expect_err("statements are lost");
    assert!(matches!(error, SchemaError::Pooled { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("`transaction_pooling()`"), "{message}");
    assert!(message.contains("already exists"), "{message}");

    let configured = UserSync::<Profile>::builder(clerk(), behind.pool()).transaction_pooling();
    configured.build().await.expect("the setting suffices");
}

#[tokio::test]
async fn pool_that_keeps_statements_is_refused() {
    let behind = Behind::start().await;
    let pool = PgPool::connect_lazy_with(behind.options());
    let refused = UserSync::<Profile>::builder(clerk(), pool)
        .transaction_pooling()
        .build()
        .await;
    let error = refused.expect_err("a statement would not be found again");
    assert!(matches!(error, SchemaError::StatementCache), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("statement_cache_capacity(0)"), "{message}");
    let url = format!("{}&statement-cache-capacity=0", behind.pooler.url());
    let pool = PgPool::connect_lazy(&url).expect("the URL is right");
    let started = UserSync::<Profile>::builder(clerk(), pool).transaction_pooling();
    started.build().await.expect("as the message says");
}
