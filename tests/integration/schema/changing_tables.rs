//! Tests of a table that changes under a running application whose statements are prepared. No request, delivery or
//! import fails, each connection fails at most once for each change, and no restart is needed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::UserSync;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::id::UserId;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::Deletion;
use clerk_auth::testing::{FakeClerk, SignedDelivery, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::pooler::Pooler;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use futures_util::future::{join_all, try_join_all};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower::ServiceExt;

on_both_databases!(
    changed_table_fails_nothing_and_each_connection_once,
    hook_with_a_stale_statement_is_run_again,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const CONNECTIONS: u32 = 4;
const USERS: usize = 12;

/// The last version that a test used; each test takes newer ones.
static SECOND: AtomicI64 = AtomicI64::new(1_000);

struct Warm {
    profiles: Profiles<AlwaysRead>,
    router: Router,
    fake: FakeClerk,
    api: BackendApi,
    imported: UserSync<AlwaysRead>,
}

impl Warm {
    async fn start(pool: Pool) -> Self {
        let patient = Duration::from_secs(20);
        let profiles: Profiles<AlwaysRead> =
            Profiles::of_table(pool, |it| it.sync_timeout(patient), |it| it.sync_timeout(patient)).await;
        let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
        let fake = FakeClerk::start().await.expect("a port is free");
        let clerk = fake.clerk().build().expect("the configuration is right");
        let imported = match &profiles.pool {
            Pool::Postgres(pool) => UserSync::new(clerk, pool.clone()).await,
            Pool::Sqlite(pool) => UserSync::new(clerk, pool.clone()).await,
        };
        Self {
            router: Router::new().route("/", webhooks(&profiles.users, verifier)),
            api: BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret")
                .expect("the address is right"),
            imported: imported.expect("the table fits"),
            fake,
            profiles,
        }
    }

    /// Runs every operation of the library on every connection, so that all statements are prepared. The operations are
    /// reads, changes, new users, a raised version, deliveries, deletions and an import.
    async fn everything(&self, label: &str) {
        let second = SECOND.fetch_add(10, Ordering::SeqCst);
        let profiles = &self.profiles;
        for (name, version) in [("Ada", 0), ("Ada", 0), ("Grace", 1), ("Grace", 2)] {
            let name = format!("{name} {second}");
            let requests =
                (0..USERS).map(|user| profiles.sync(token(&format!("user_{user}"), &name, second + version)));
            for synced in join_all(requests).await {
                let user = synced.unwrap_or_else(|error| panic!("{label}: {error}")).user;
                assert_eq!(user.name.as_deref(), Some(&*name), "{label}");
            }
        }
        let newcomers = (0..USERS).map(|user| {
            let id = format!("user_new_{user}_{second}");
            let signed_up = profiles.clock.now().as_secs();
            async move { profiles.sync(token(&id, "New", signed_up)).await }
        });
        try_join_all(newcomers)
            .await
            .unwrap_or_else(|error| panic!("{label}: {error}"));
        let deliveries = (0..USERS).map(|user| self.deliver(user, second + 3));
        for status in join_all(deliveries).await {
            assert_eq!(status, StatusCode::NO_CONTENT, "{label}");
        }
        let deleted = UserId::new(format!("user_new_0_{second}"));
        let deleted = profiles.users.delete(&deleted).await;
        assert_eq!(deleted.ok(), Some(Deletion::Deleted), "{label}");
        for user in 0..USERS {
            self.fake.put_user(user_of(user, "Imported", second + 4));
        }
        let counts = self.imported.import(&self.api).run().await;
        let counts = counts.unwrap_or_else(|error| panic!("{label}: {error}"));
        assert_eq!(
            (counts.updated, counts.total()),
            (USERS as u64, USERS as u64),
            "{label}"
        );
    }

    async fn deliver(&self, user: usize, second: i64) -> StatusCode {
        let now = self.profiles.clock.now();
        let data = user_of(user, "Delivered", second);
        let delivery = SignedDelivery::new(SECRET, &event("user.updated", data, now), now);
        let answer = self.router.clone().oneshot(delivery.request("/")).await;
        answer.expect("a router answers").status()
    }
}

fn user_of(user: usize, name: &str, second: i64) -> serde_json::Value {
    let id = format!("user_{user}");
    let mut object = user_object(&id, Timestamp::from_secs(second));
    object["first_name"] = name.into();
    set_email(&mut object, Some(&format!("{id}@example.com")));
    object
}

/// Returns how often a statement was prepared again.
fn repeated(log: &Log) -> usize {
    let lines = log.lines();
    lines
        .iter()
        .filter(|line| line.contains("StaleStatement"))
        .count()
}

async fn changed_table_fails_nothing_and_each_connection_once(database: TestDatabase) {
    let warm = Warm::start(Pool::open(database.url(), CONNECTIONS).await).await;
    warm.everything("before").await;
    // Outside of the application, as a migration runs.
    let past = Pool::open(database.url(), 1).await;
    let changes = match past {
        Pool::Postgres(_) => POSTGRES,
        Pool::Sqlite(_) => SQLITE,
    };
    let mut stale = 0;
    for change in changes {
        past.execute(change).await;
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        warm.everything(change).await;
        drop(guard);
        let repeated = repeated(&log);
        assert!(repeated <= CONNECTIONS as usize, "{change}: {repeated}");
        stale += repeated;
    }
    // PostgreSQL refuses stale statements; SQLite prepares them again by itself.
    assert_eq!(stale > 0, !database.is_sqlite());
}

const POSTGRES: &[&str] = &[
    "ALTER TABLE profiles ALTER email TYPE varchar(200)",
    "ALTER TABLE profiles ALTER email TYPE text",
    "ALTER TABLE profiles ADD extra integer",
    "ALTER TABLE profiles ADD note text NOT NULL DEFAULT 'none', ADD CHECK (note <> '')",
    "ALTER TABLE profiles DROP extra",
    "BEGIN; ALTER TABLE profiles RENAME name TO title; ALTER TABLE profiles RENAME title TO name; COMMIT",
    "CREATE INDEX ON profiles (email)",
    "ALTER TABLE profiles ADD CONSTRAINT short CHECK (length(name) < 100)",
    "CREATE TYPE mood AS ENUM ('glad'); ALTER TABLE profiles ADD mood mood",
    "ALTER TYPE mood ADD VALUE 'sad'",
    "DROP TYPE mood CASCADE",
    "CREATE DOMAIN address AS text; ALTER TABLE profiles ALTER email TYPE address",
    "ALTER TABLE profiles ALTER email TYPE text; DROP DOMAIN address",
    "CREATE EXTENSION citext; ALTER TABLE profiles ALTER email TYPE citext",
    "ALTER TABLE profiles ALTER email TYPE text; DROP EXTENSION citext; CREATE EXTENSION citext; \
     ALTER TABLE profiles ALTER email TYPE citext",
    "ALTER TABLE profiles ALTER email TYPE text; DROP EXTENSION citext",
    "BEGIN; ALTER TABLE profiles RENAME TO profiles_before; \
     CREATE TABLE profiles (LIKE profiles_before INCLUDING ALL EXCLUDING IDENTITY); \
     ALTER TABLE profiles ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 100000); \
     INSERT INTO profiles OVERRIDING SYSTEM VALUE SELECT * FROM profiles_before; DROP TABLE profiles_before; COMMIT",
    "ALTER TABLE profiles ALTER name TYPE varchar(300), ALTER clerk_id TYPE varchar(300)",
    "ALTER TABLE profiles ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON profiles USING (true)",
    "REVOKE ALL ON profiles FROM PUBLIC; GRANT SELECT ON profiles TO PUBLIC",
    "ALTER TABLE clerk_denials ALTER id TYPE varchar(300), ALTER kind TYPE varchar(30)",
    "VACUUM FULL profiles",
    "ANALYZE profiles",
];

const SQLITE: &[&str] = &[
    "ALTER TABLE profiles ADD extra INTEGER",
    "ALTER TABLE profiles ADD note TEXT NOT NULL DEFAULT 'none'",
    "ALTER TABLE profiles DROP COLUMN extra",
    "ALTER TABLE profiles RENAME name TO title; ALTER TABLE profiles RENAME title TO name",
    "CREATE INDEX by_email ON profiles (email)",
    "DROP INDEX by_email",
    "ALTER TABLE profiles RENAME TO profiles_before; ALTER TABLE profiles_before RENAME TO profiles",
    "CREATE TRIGGER quiet AFTER UPDATE ON profiles BEGIN SELECT 1; END",
    "VACUUM",
    "ANALYZE",
];

/// Runs a statement on each of the pool's connections, while no other is in use.
async fn on_each(pool: &sqlx::PgPool, sql: &'static str) {
    let all = (0..CONNECTIONS).map(|_| pool.acquire());
    for mut connection in try_join_all(all).await.expect("there are as many") {
        sqlx::raw_sql(sql)
            .execute(&mut *connection)
            .await
            .expect("it runs");
    }
}

#[tokio::test]
async fn session_that_changes_fails_nothing() {
    let database = TestDatabase::postgres().await;
    let warm = Warm::start(Pool::open(database.url(), CONNECTIONS).await).await;
    let pool = warm.profiles.pool.postgres().clone();
    warm.everything("before").await;
    let past = Pool::open(database.url(), 1).await;
    past.execute(
        "CREATE SCHEMA other; CREATE TABLE other.profiles (LIKE profiles INCLUDING ALL); \
         ALTER TABLE other.profiles ALTER email TYPE varchar(200), ALTER name TYPE varchar(100)",
    )
    .await;
    for change in [
        "DISCARD ALL",
        "DEALLOCATE ALL",
        "DISCARD PLANS",
        "SET search_path = other, public",
        "SET search_path = public, other",
        "RESET ALL",
        "SET default_transaction_isolation = 'serializable'",
    ] {
        let log = Log::default();
        on_each(&pool, change).await;
        let guard = tracing::subscriber::set_default(log.clone());
        warm.everything(change).await;
        drop(guard);
        assert!(
            repeated(&log) <= CONNECTIONS as usize,
            "{change}: {}",
            repeated(&log)
        );
    }
}

/// Ends every session of the application, idle or in the middle of a statement, during requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_killed_fail_nothing() {
    const KILL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 1).await;
    let warm = Warm::start(Pool::open(database.url(), CONNECTIONS).await).await;
    warm.everything("before").await;
    for _ in 0..5 {
        let kill = async {
            past.number(KILL).await;
        };
        tokio::join!(warm.everything("killed"), kill);
    }
}

/// A hook's statement is prepared too, and runs in the transaction of the row.
async fn hook_with_a_stale_statement_is_run_again(database: TestDatabase) {
    // sqlx panics at `SELECT *` on SQLite after a column was added.
    const READ: &str = "SELECT owner FROM carts";
    let pool = Pool::open(database.url(), 2).await;
    pool.execute("CREATE TABLE carts (owner text)").await;
    let profiles: Profiles<AlwaysRead> = Profiles::of_table(
        pool,
        |builder| {
            builder.on_insert(|transaction, user: &AlwaysRead| {
                Box::pin(async move {
                    sqlx::query("SELECT * FROM carts")
                        .fetch_all(&mut *transaction)
                        .await?;
                    let insert = sqlx::query("INSERT INTO carts (owner) VALUES ($1)").bind(&user.clerk_id);
                    insert.execute(&mut *transaction).await?;
                    Ok(())
                })
            })
        },
        |builder| {
            builder.on_insert(|transaction, user: &AlwaysRead| {
                Box::pin(async move {
                    sqlx::query(READ).fetch_all(&mut *transaction).await?;
                    let insert = sqlx::query("INSERT INTO carts (owner) VALUES ($1)").bind(&user.clerk_id);
                    insert.execute(&mut *transaction).await?;
                    Ok(())
                })
            })
        },
    )
    .await;
    let mut users = 0;
    for change in [
        "SELECT 1",
        "ALTER TABLE carts ADD size integer",
        "ALTER TABLE carts ADD color text",
        "ALTER TABLE carts RENAME color TO colour",
    ] {
        profiles.pool.execute(change).await;
        let requests = (0..6).map(|user| profiles.sync(token(&format!("user_{users}_{user}"), "Ada", 5)));
        try_join_all(requests)
            .await
            .unwrap_or_else(|error| panic!("{change}: {error}"));
        users += 1;
    }
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM carts").await,
        users * 6
    );
    assert_eq!(
        profiles.pool.number("SELECT count(*) FROM profiles").await,
        users * 6
    );
}

/// Runs behind PgBouncer in transaction mode, which shares its sessions with other clients.
#[tokio::test]
async fn changed_table_fails_nothing_behind_a_pooler() {
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 1).await;
    let pooler = Pooler::in_front_of(&database, 2);
    let options: PgConnectOptions = pooler.url().parse().expect("the URL is right");
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_lazy_with(options.statement_cache_capacity(0));
    let profiles: Profiles<AlwaysRead> = Profiles::of_table(
        Pool::Postgres(pool),
        |it| it.transaction_pooling().sync_timeout(Duration::from_secs(20)),
        |it| it,
    )
    .await;
    changed_table_fails_nothing(&past, &profiles).await;
}

/// PgBouncer prepares an equal text only once in a session, so that a stale statement stays in the session. The test
/// uses one session, because PgBouncer does not keep the unnamed statements of start-up.
#[tokio::test]
async fn changed_table_fails_nothing_behind_a_pooler_that_keeps_statements() {
    let database = TestDatabase::postgres().await;
    let past = Pool::open(database.url(), 1).await;
    let Some(pooler) = Pooler::that_keeps_statements(&database, 1) else {
        return; // The PgBouncer of Debian before 13.
    };
    let profiles: Profiles<AlwaysRead> = Profiles::of_table(
        Pool::open(pooler.url(), CONNECTIONS).await,
        |it| it.sync_timeout(Duration::from_secs(20)),
        |it| it,
    )
    .await;
    changed_table_fails_nothing(&past, &profiles).await;
}

async fn changed_table_fails_nothing(past: &Pool, profiles: &Profiles<AlwaysRead>) {
    for (second, change) in (1_000..).zip(["SELECT 1"].iter().chain(POSTGRES)) {
        past.execute(change).await;
        for name in ["Ada", "Ada"] {
            let name = format!("{name} {second}");
            let requests =
                (0..USERS).map(|user| profiles.sync(token(&format!("user_{user}"), &name, second)));
            for synced in join_all(requests).await {
                let user = synced.unwrap_or_else(|error| panic!("{change}: {error}")).user;
                assert_eq!(user.name.as_deref(), Some(&*name), "{change}");
            }
        }
    }
}
