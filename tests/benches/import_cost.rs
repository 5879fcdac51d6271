//! Measures the cost of an import of all of Clerk's users, next to `COPY` and one upsert for each row, in one run.
//!
//! `cargo bench --profile release -p clerk-auth-tests --bench import_cost`
//!
//! The import writes a million users of a fake Backend API into PostgreSQL. A separate process serves the API, so that
//! the peak memory of the import is that of the importing process alone. An argument after `--` sets another number of
//! users.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clerk_auth::backend_api::BackendApi;
use clerk_auth::claim::ClaimSource;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::{CREATE_DENIALS, ImportCounts};
use clerk_auth::testing::{FakeClerk, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::{Clerk, SyncedRow, SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sqlx::postgres::{PgArguments, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor, PgPool};

const USERS: usize = 1_000_000;

/// The number of rows for which the statements alone are timed.
const SAMPLE: usize = 50_000;

const ROWS: usize = 500;

/// `cargo bench` passes this argument to each benchmark.
const ADDED_BY_CARGO: &str = "--bench";

#[derive(Debug, SyncedUser)]
#[synced_user(table = "users", database(postgres))]
#[expect(dead_code, reason = "only the table is looked at")]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    image_url: String,
    #[column(app)]
    credits: i64,
}

#[tokio::main]
async fn main() {
    let argument = env::args().skip(1).find(|argument| argument != ADDED_BY_CARGO);
    if argument.as_deref() == Some("serve") {
        return serve(
            env::args()
                .nth(2)
                .and_then(|count| count.parse().ok())
                .unwrap_or(USERS),
        )
        .await;
    }
    let users = argument.and_then(|count| count.parse().ok()).unwrap_or(USERS);
    let mut fake = Fake::start(users);
    let database = TestDatabase::postgres().await;
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .connect(database.url())
        .await
        .expect("the server answers");
    execute(&pool, &<User as StoredIn<sqlx::Postgres>>::create_table()).await;
    execute(&pool, CREATE_DENIALS).await;
    execute(&pool, "CREATE TABLE copied (LIKE users INCLUDING ALL)").await;

    let clerk = Clerk::builder()
        .issuer(fake.url.as_str())
        .build()
        .expect("it is right");
    let rows: UserSync<User> = UserSync::new(clerk, pool.clone()).await.expect("the table fits");
    let api = BackendApi::with_base_url(&fake.url, "sk_test_secret").expect("they are right");

    println!("{users} users of a fake Backend API on loopback, PostgreSQL without fsync on the same machine");
    let mut wal = Wal::begin(&pool).await;
    for (what, import) in [
        ("import, all new", rows.import(&api)),
        ("import, all unchanged", rows.import(&api)),
        ("import, dry run", rows.import(&api).dry_run()),
    ] {
        let start = Instant::now();
        let counts = import.run().await.expect("it is imported");
        report(what, users, start.elapsed(), wal.bytes().await);
        println!("  {counts}");
        assert_eq!(counts.total(), u64::try_from(users).expect("a count"));
        assert_eq!(
            counts.skipped + counts.conflicted,
            ImportCounts::default().total()
        );
    }
    println!("peak memory of the importing process (VmHWM): {}", peak("self"));
    println!(
        "peak memory of the process of the fake API (VmHWM): {}",
        peak(&fake.id())
    );

    let start = Instant::now();
    copy(&pool, users).await;
    report("COPY of the same rows", users, start.elapsed(), wal.bytes().await);

    let sample = users.min(SAMPLE);
    println!("the statements alone, {sample} rows that are new, in memory already, in two rounds:");
    let claims: Vec<_> = (0..sample).map(claims).collect();
    for _ in 0..2 {
        execute(&pool, "TRUNCATE users").await;
        wal.bytes().await;
        let start = Instant::now();
        upsert_many(&pool, &claims).await;
        report(
            "  one upsert for 500 rows, VALUES",
            sample,
            start.elapsed(),
            wal.bytes().await,
        );

        execute(&pool, "TRUNCATE users").await;
        wal.bytes().await;
        let start = Instant::now();
        unnest(&pool, sample).await;
        report(
            "  one upsert for 500 rows, UNNEST",
            sample,
            start.elapsed(),
            wal.bytes().await,
        );

        for connections in [1, 10] {
            execute(&pool, "TRUNCATE users").await;
            wal.bytes().await;
            let start = Instant::now();
            upsert_each(&pool, &claims, connections).await;
            let what = format!("  one upsert a row, {connections} at once");
            report(&what, sample, start.elapsed(), wal.bytes().await);
        }
    }
    fake.stop();
}

fn report(what: &str, rows: usize, time: Duration, wal: f64) {
    // The conversion is exact for fewer than 2^52 rows.
    let rows = rows as f64;
    println!(
        "{what}: {:.1} s, {:.0} rows/s, {:.0} bytes of WAL a row",
        time.as_secs_f64(),
        rows / time.as_secs_f64(),
        wal / rows
    );
}

/// Returns a user object with the values of the rows below.
fn user(place: usize) -> Value {
    let mut user = user_object(
        FakeClerk::served_user(place).as_str(),
        Timestamp::from_secs(1_700_000_000),
    );
    user["first_name"] = format!("Ada {place}").into();
    user["last_name"] = "Lovelace".into();
    user["public_metadata"] = json!({ "plan": "pro", "seats": place % 100 });
    user
}

fn row(place: usize) -> [String; 5] {
    let id = FakeClerk::served_user(place).to_string();
    let name = id.trim_start_matches("user_").to_owned();
    [
        id,
        format!("{name}@example.com"),
        format!("Ada {place}"),
        "Lovelace".to_owned(),
        format!("https://img.clerk.com/{name}"),
    ]
}

const VERSION: i64 = 1_700_000_000_000;

fn claims(place: usize) -> <User as SyncedRow>::Claims {
    let [id, email, first_name, last_name, image_url] = row(place);
    let claims = json!({
        "email": email, "firstName": first_name, "lastName": last_name, "imageUrl": image_url,
    });
    let claims = claims.as_object().expect("an object");
    User::read_claims(ClaimSource::new(&id, claims)).expect("they are whole")
}

async fn execute(pool: &PgPool, sql: &str) {
    pool.execute(sqlx::AssertSqlSafe(sql)).await.expect("it runs");
}

async fn copy(pool: &PgPool, users: usize) {
    let sql = "COPY copied (clerk_id, email, first_name, last_name, image_url, clerk_version) FROM STDIN";
    let mut connection = pool.acquire().await.expect("a connection");
    let mut copy = connection.copy_in_raw(sql).await.expect("it begins");
    let mut text = String::new();
    for place in 0..users {
        text += &row(place).join("\t");
        text += &format!("\t{VERSION}\n");
        if text.len() > 1 << 16 || place + 1 == users {
            copy.send(text.as_bytes()).await.expect("it is sent");
            text.clear();
        }
    }
    copy.finish().await.expect("it ends");
}

async fn upsert_many(pool: &PgPool, claims: &[<User as SyncedRow>::Claims]) {
    for claims in claims.chunks(ROWS) {
        let mut arguments = PgArguments::default();
        for claims in claims {
            <User as StoredIn<sqlx::Postgres>>::bind(claims, VERSION, &mut arguments).expect("it encodes");
        }
        let sql = AssertSqlSafe(<User as StoredIn<sqlx::Postgres>>::UPSERT_MANY.to_sql(claims.len()));
        let rows = sqlx::query_with(sql, arguments)
            .fetch_all(pool)
            .await
            .expect("it runs");
        assert_eq!(rows.len(), claims.len());
    }
}

/// Writes the rows with one array for each column, which works only for types whose arrays sqlx supports.
async fn unnest(pool: &PgPool, rows: usize) {
    let one = <User as StoredIn<sqlx::Postgres>>::UPSERT_MANY.to_sql(1);
    let sql = one.replace(
        "VALUES ($1, $2, $3, $4, $5, $6)",
        "SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])",
    );
    assert_ne!(sql, one);
    let places: Vec<usize> = (0..rows).collect();
    for places in places.chunks(ROWS) {
        let mut columns: [Vec<String>; 5] = Default::default();
        for place in places {
            for (column, value) in columns.iter_mut().zip(row(*place)) {
                column.push(value);
            }
        }
        let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
        for column in columns {
            query = query.bind(column);
        }
        let found = query.bind(vec![VERSION; places.len()]).fetch_all(pool).await;
        assert_eq!(found.expect("it runs").len(), places.len());
    }
}

async fn upsert_each(pool: &PgPool, claims: &[<User as SyncedRow>::Claims], connections: usize) {
    let upserts = stream::iter(claims).for_each_concurrent(connections, async |claims| {
        let mut arguments = PgArguments::default();
        <User as StoredIn<sqlx::Postgres>>::bind(claims, VERSION, &mut arguments).expect("it encodes");
        sqlx::query_with(<User as StoredIn<sqlx::Postgres>>::UPSERT, arguments)
            .fetch_one(pool)
            .await
            .expect("it runs");
    });
    upserts.await;
}

/// The bytes of the server's write-ahead log since the last call.
struct Wal {
    pool: PgPool,
    at: String,
}

impl Wal {
    async fn begin(pool: &PgPool) -> Self {
        let mut wal = Self {
            pool: pool.clone(),
            at: "0/0".to_owned(),
        };
        wal.bytes().await;
        wal
    }

    async fn bytes(&mut self) -> f64 {
        let sql = "SELECT pg_current_wal_lsn()::text, (pg_current_wal_lsn() - $1::pg_lsn)::float8";
        let (at, bytes) = sqlx::query_as(sql)
            .bind(&self.at)
            .fetch_one(&self.pool)
            .await
            .expect("the server tells");
        self.at = at;
        bytes
    }
}

fn peak(process: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown", str::trim).to_owned()
}

/// The Backend API in a separate process, which ends when this process closes its standard input.
struct Fake {
    url: String,
    process: Child,
}

impl Fake {
    fn start(users: usize) -> Self {
        let mut process = Command::new(env::current_exe().expect("this program"))
            .args(["serve", &users.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = process.stdout.take().expect("it is piped");
        let mut url = String::new();
        BufReader::new(output)
            .read_line(&mut url)
            .expect("it says where it is");
        Self {
            url: url.trim().to_owned(),
            process,
        }
    }

    fn id(&self) -> String {
        self.process.id().to_string()
    }

    fn stop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("it ends");
    }
}

async fn serve(users: usize) {
    let fake = FakeClerk::start().await.expect("a port is free");
    fake.serve_users(users, user);
    println!("{}", fake.issuer().url());
    std::io::stdout().flush().expect("it is written");
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    drop(end.await);
}
