//! Measures the cost of a `UserSync` in a test with `#[sqlx::test]`, which creates and drops a database. Compares it
//! with the same test without a `UserSync`, in turns in one run.
//!
//! `cargo bench --profile dev -p clerk-auth-tests --bench start_up`

use std::env;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use clerk_auth::time::{Clock, SystemClock};
use clerk_auth::{SyncedRow, UserSync};
use clerk_auth_tests::postgres::private::PrivateServer;
use clerk_auth_tests::profiles::{Profile, issuer, token};
use sqlx::testing::{TestArgs, TestFn};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

/// The default settings of PostgreSQL: a commit is on disk before it is acknowledged.
const DURABLE: &str = "\
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 128MB";

/// The variable with the server's URL for `#[sqlx::test]`.
const SERVER: &str = "DATABASE_URL";

const PAIRS: usize = 60;
const LIMIT: f64 = 1.2;

/// The durations of `UserSync::new`.
static STARTS: Mutex<Vec<Duration>> = Mutex::new(Vec::new());

fn main() {
    if env::args().any(|role| role == "measure") {
        return measure();
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let server = PrivateServer::start(DURABLE).await;
        let program = env::current_exe().expect("this program");
        // The variable must be set before the process starts.
        let mut measured = Command::new(program);
        let measured = measured.arg("measure").env(SERVER, server.url()).status();
        assert!(measured.expect("it runs").success(), "the measurement failed");
        let mut connection = PgConnection::connect(&server.url())
            .await
            .expect("the server answers");
        let left: Vec<String> =
            sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE '\\_sqlx\\_test%'")
                .fetch_all(&mut connection)
                .await
                .expect("it runs");
        assert!(left.is_empty(), "databases are left behind: {left:?}");
        println!("no database is left behind");
    });
}

fn measure() {
    let bare: fn(PgPool) -> _ = without_sync;
    let sync: fn(PgPool) -> _ = with_sync;
    let mut times = [Vec::new(), Vec::new()];
    for pair in 0..=PAIRS {
        for which in [pair % 2, 1 - pair % 2] {
            let begun = Instant::now();
            if which == 0 {
                bare.run_test(TestArgs::new("bare"));
            } else {
                sync.run_test(TestArgs::new("sync"));
            }
            // The first pair fills the caches.
            if pair > 0 {
                times[which].push(begun.elapsed());
            }
        }
    }
    let [bare, sync] = times.map(median);
    let starts = std::mem::take(&mut *STARTS.lock().expect("no test panics"));
    let ratio = sync.as_secs_f64() / bare.as_secs_f64();
    println!("a test with a database of its own, in which a user is inserted and read");
    println!("  {sync:.1?} with `UserSync`, {bare:.1?} by hand, {ratio:.2} x, at most {LIMIT} x");
    println!("  {:.1?} of that for `UserSync::new`", median(starts));
}

async fn create_tables(pool: &PgPool) {
    sqlx::raw_sql(AssertSqlSafe(Profile::migration_sql::<sqlx::Postgres>()))
        .execute(pool)
        .await
        .expect("the database is new");
}

async fn without_sync(pool: PgPool) {
    create_tables(&pool).await;
    sqlx::query("INSERT INTO profiles (clerk_id, email, name, clerk_version) VALUES ($1, $2, $3, $4)")
        .bind("user_ada")
        .bind("user_ada@example.com")
        .bind("Ada")
        .bind(5_999_i64)
        .execute(&pool)
        .await
        .expect("it runs");
    assert_eq!(name(&pool).await, "Ada");
}

async fn with_sync(pool: PgPool) {
    create_tables(&pool).await;
    let clerk = issuer().clerk();
    let token = token("user_ada", "Ada", 5).issued_at(SystemClock.now()).sign();
    let bearer = HeaderValue::try_from(format!("Bearer {token}")).expect("a token is ASCII");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    let session = clerk.authenticate(&headers).await.expect("the token is valid");
    let begun = Instant::now();
    let users = UserSync::<Profile>::new(clerk, pool.clone())
        .await
        .expect("the table fits");
    STARTS.lock().expect("no test panics").push(begun.elapsed());
    users.sync(&session).await.expect("it syncs");
    assert_eq!(name(&pool).await, "Ada");
}

async fn name(pool: &PgPool) -> String {
    sqlx::query_scalar("SELECT name FROM profiles WHERE clerk_id = $1")
        .bind("user_ada")
        .fetch_one(pool)
        .await
        .expect("the row is there")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
