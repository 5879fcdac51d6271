//! Measures the cost of sync besides the necessary statements, and of a signed-in request next to a plain one, in turns
//! in one run.
//!
//! `cargo bench --profile release -p clerk-auth-tests --bench sync_cost` runs all; `-- http` after it, only the requests.

use std::env;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clerk_auth::Session;
use clerk_auth::row::StoredIn;
use clerk_auth::sync::SyncOutcome;
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::postgres::private::PrivateServer;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use futures_util::future::join_all;
use sqlx::{Postgres, Sqlite};

mod http;
mod member;

/// The default settings of PostgreSQL: a commit is on disk before it is acknowledged.
const DURABLE: &str = "\
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 128MB";

const ROUNDS: usize = 40;
const PER_ROUND: usize = 100;
/// The number of concurrent requests, in the measurements with more than one.
const BUSY: usize = 32;
const FLOOD: usize = 50_000;
const FLOOD_ROUNDS: usize = 3;
const FLOOD_TASKS: usize = 2_000;

fn main() {
    // `cargo bench` passes `--bench` to each benchmark.
    match env::args()
        .skip(1)
        .find(|argument| argument != "--bench")
        .as_deref()
    {
        None => {}
        Some("http") => return http::compare(),
        Some(role) => return http::run(role),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let server = PrivateServer::start(DURABLE).await;
        let mut crowd = None;
        on(&server.url(), "PostgreSQL", &mut crowd).await;
        let file = TestDatabase::sqlite();
        on(file.url(), "SQLite", &mut crowd).await;
    });
    http::compare();
}

async fn on(url: &str, database: &str, crowd: &mut Option<Arc<[Session]>>) {
    println!("{database}");
    let pool = Pool::open(url, 10).await;
    let profiles = Profiles::<AlwaysRead>::always_read(pool.clone()).await;
    unchanged(&profiles).await;
    first(&profiles).await;
    member::compare(&profiles).await;
    // Signatures are slow, so both databases use the same sessions.
    let crowd = match crowd {
        Some(crowd) => Arc::clone(crowd),
        None => Arc::clone(crowd.insert(everybodys_sessions(&profiles).await)),
    };
    flood(&pool, &crowd).await;
}

async fn unchanged(profiles: &Profiles<AlwaysRead>) {
    let (mut sessions, mut newcomers) = (Vec::new(), Vec::new());
    for user in 0..PER_ROUND {
        for (name, updated_at, sessions) in [
            ("user", 5, &mut sessions),
            ("newcomer", profiles.clock.now().as_secs(), &mut newcomers),
        ] {
            let session = profiles
                .session(token(&format!("{name}_{user}"), "Ada", updated_at))
                .await;
            profiles.users.sync(&session).await.expect("it syncs");
            sessions.push(session);
        }
    }
    for at_once in [1, BUSY] {
        let mut times = [const { Vec::new() }; 3];
        for round in 0..ROUNDS {
            for turn in 0..times.len() {
                let which = (round + turn) % times.len();
                times[which].push(if which == 0 {
                    each(at_once, &sessions, async |session| {
                        select(&profiles.pool, session.user_id().as_str()).await;
                    })
                    .await
                } else {
                    let sessions = if which == 1 { &sessions } else { &newcomers };
                    each(at_once, sessions, async |session| {
                        let synced = profiles.users.sync(session).await.expect("it syncs");
                        assert_eq!(synced.outcome, SyncOutcome::Unchanged);
                    })
                    .await
                });
            }
        }
        let [raw, ours, newcomer] = times.map(median);
        for (who, ours) in [("", ours), (" of who has just signed up", newcomer)] {
            report(
                &format!("unchanged{who}, {at_once} at once"),
                "SELECT by key",
                raw,
                ours,
            );
        }
    }
}

/// Of many users who signed up long ago, sync predicts each to be new, except for the first.
async fn first(profiles: &Profiles<AlwaysRead>) {
    let known = profiles.session(token("known", "Ada", 5)).await;
    profiles.users.sync(&known).await.expect("it syncs");
    let mut times = [const { Vec::new() }; 5];
    for round in 0..ROUNDS {
        let (mut sessions, mut newcomers, mut lone) = (Vec::new(), Vec::new(), Vec::new());
        for user in 0..PER_ROUND / 2 {
            let now = profiles.clock.now().as_secs();
            for (name, updated_at, sessions) in [
                ("user", 5, &mut sessions),
                ("newcomer", now, &mut newcomers),
                ("lone", 5, &mut lone),
            ] {
                let token = token(&format!("{name}_{round}_{user}"), "Ada", updated_at);
                sessions.push(profiles.session(token).await);
            }
        }
        let sync = async |session: &Session| {
            let synced = profiles.users.sync(session).await.expect("it syncs");
            assert_eq!(synced.outcome, SyncOutcome::Inserted);
        };
        for turn in 0..times.len() {
            let which = (round + turn) % times.len();
            times[which].push(match which {
                0 => {
                    each(1, &sessions, async |session| {
                        upsert(&profiles.pool, &format!("raw_{}", session.user_id())).await;
                    })
                    .await
                }
                1 => {
                    each(1, &sessions, async |session| {
                        select_and_insert(&profiles.pool, &format!("two_{}", session.user_id())).await;
                    })
                    .await
                }
                2 => each(1, &newcomers, sync).await,
                3 => each(1, &sessions, sync).await,
                _ => {
                    let mut time = Duration::ZERO;
                    for session in &lone {
                        profiles.users.sync(&known).await.expect("it syncs");
                        time += each(1, std::slice::from_ref(session), sync).await;
                    }
                    time / u32::try_from(lone.len()).expect("a count")
                }
            });
        }
    }
    let [raw, by_hand, newcomer, ours, lone] = times.map(median);
    report("first, of who has just signed up", "upsert", raw, newcomer);
    report("first, of who signed up long ago", "upsert", raw, ours);
    report("first, of a lone one of those", "upsert", raw, lone);
    report("the same", "SELECT and INSERT", by_hand, lone);
}

async fn everybodys_sessions(profiles: &Profiles<AlwaysRead>) -> Arc<[Session]> {
    let mut sessions = Vec::with_capacity(FLOOD);
    for number in 1..=FLOOD {
        sessions.push(profiles.session(token(&format!("user_{number}"), "Ada", 5)).await);
    }
    sessions.into()
}

/// Measures one request of each of many users, so that no row is cached.
async fn flood(pool: &Pool, sessions: &Arc<[Session]>) {
    pool.execute("DELETE FROM profiles").await;
    let numbers =
        format!("WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {FLOOD})");
    pool.execute(&format!(
        "{numbers} INSERT INTO profiles (clerk_id, email, name, clerk_version) \
         SELECT 'user_' || n, 'user_' || n || '@example.com', 'Ada', 5999 FROM n"
    ))
    .await;
    pool.execute("ANALYZE").await;
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..FLOOD_ROUNDS {
        for which in [round % 2, 1 - round % 2] {
            let begun;
            if which == 0 {
                let pool = pool.clone();
                begun = Instant::now();
                everybody(sessions, move |session| {
                    let pool = pool.clone();
                    async move { select(&pool, session.user_id().as_str()).await }
                })
                .await;
            } else {
                // The handles of a process that has just started.
                let profiles = Arc::new(Profiles::start_on(pool.clone()).await);
                begun = Instant::now();
                everybody(sessions, move |session| {
                    let profiles = Arc::clone(&profiles);
                    async move {
                        let synced = profiles.users.sync_shared(&session).await.expect("it syncs");
                        assert_eq!(synced.outcome, SyncOutcome::Unchanged);
                    }
                })
                .await;
            }
            times[which].push(begun.elapsed());
        }
    }
    let [raw, ours] = times.map(median);
    let per_second = |time: Duration| FLOOD as f64 / time.as_secs_f64();
    println!(
        "  a flood of {FLOOD} users: {:.0} users/s, one SELECT for each {:.0} users/s, {:.2} times as many",
        per_second(ours),
        per_second(raw),
        raw.as_secs_f64() / ours.as_secs_f64()
    );
}

async fn everybody<F: Future<Output = ()> + Send + 'static>(
    sessions: &Arc<[Session]>,
    one: impl Fn(Session) -> F + Clone + Send + 'static,
) {
    let tasks = (0..FLOOD_TASKS).map(|task| {
        let (sessions, one) = (Arc::clone(sessions), one.clone());
        tokio::spawn(async move {
            for session in sessions.iter().skip(task).step_by(FLOOD_TASKS) {
                one(session.clone()).await;
            }
        })
    });
    for task in join_all(tasks.collect::<Vec<_>>()).await {
        task.expect("no request fails");
    }
}

/// Returns the duration of one call among this many at once.
async fn each(at_once: usize, sessions: &[Session], one: impl AsyncFn(&Session)) -> Duration {
    let begun = Instant::now();
    if at_once == 1 {
        for session in sessions {
            one(session).await;
        }
    } else {
        let one = &one;
        let lanes = (0..at_once).map(|lane| async move {
            for session in sessions.iter().skip(lane).step_by(at_once) {
                one(session).await;
            }
        });
        join_all(lanes).await;
    }
    begun.elapsed() / u32::try_from(sessions.len()).expect("a count")
}

/// Runs a hand-written query: the struct's columns by key.
async fn select(pool: &Pool, clerk_id: &str) {
    type Row = (String, Option<String>, Option<String>, i64, bool);
    let row: Option<Row> = match pool {
        Pool::Postgres(pool) => sqlx::query_as(<AlwaysRead as StoredIn<Postgres>>::SELECT)
            .bind(clerk_id)
            .fetch_optional(pool)
            .await
            .expect("it runs"),
        Pool::Sqlite(pool) => sqlx::query_as(<AlwaysRead as StoredIn<Sqlite>>::SELECT)
            .bind(clerk_id)
            .fetch_optional(pool)
            .await
            .expect("it runs"),
    };
    assert_eq!(row.expect("the row is there").0, clerk_id);
}

/// Runs the necessary statements of a sync that writes nothing for an unchanged user.
async fn select_and_insert(pool: &Pool, clerk_id: &str) {
    let email = format!("{clerk_id}@example.com");
    macro_rules! run {
        ($pool:expr, $database:ty) => {{
            let mut connection = $pool.acquire().await.expect("it is free");
            let found = sqlx::query(<AlwaysRead as StoredIn<$database>>::SELECT)
                .bind(clerk_id)
                .fetch_optional(&mut *connection)
                .await;
            assert!(found.expect("it runs").is_none());
            let inserted = sqlx::query(<AlwaysRead as StoredIn<$database>>::INSERT)
                .bind(clerk_id)
                .bind(&email)
                .bind("Ada")
                .bind(5_999_i64)
                .fetch_all(&mut *connection)
                .await;
            assert_eq!(inserted.expect("it runs").len(), 1);
        }};
    }
    match pool {
        Pool::Postgres(pool) => run!(pool, Postgres),
        Pool::Sqlite(pool) => run!(pool, Sqlite),
    }
}

async fn upsert(pool: &Pool, clerk_id: &str) {
    const SQL: &str = "\
        INSERT INTO profiles (clerk_id, email, name, clerk_version) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (clerk_id) DO UPDATE SET email = excluded.email, name = excluded.name \
        RETURNING clerk_id, email, name";
    type Row = (String, Option<String>, Option<String>);
    let email = format!("{clerk_id}@example.com");
    macro_rules! run {
        ($pool:expr) => {
            sqlx::query_as(SQL)
                .bind(clerk_id)
                .bind(&email)
                .bind("Ada")
                .bind(5_999_i64)
                .fetch_one($pool)
                .await
        };
    }
    let row: Row = match pool {
        Pool::Postgres(pool) => run!(pool).expect("it runs"),
        Pool::Sqlite(pool) => run!(pool).expect("it runs"),
    };
    assert_eq!(row.0, clerk_id);
}

fn report(what: &str, raw_is: &str, raw: Duration, ours: Duration) {
    let ratio = ours.as_secs_f64() / raw.as_secs_f64();
    println!("  {what}: sync {ours:.1?}, {raw_is} {raw:.1?}, {ratio:.2} x");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
