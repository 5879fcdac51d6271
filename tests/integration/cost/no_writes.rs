//! An unchanged user costs the database no write: no WAL, no dead tuple, no row lock, in a hundred thousand syncs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clerk_auth::Session;
use clerk_auth::sync::SyncOutcome::{Inserted, Unchanged, Updated};
use clerk_auth_tests::postgres::private::PrivateServer;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profiles, token};
use tokio::task::JoinSet;
use tokio::time::sleep;

const SYNCS: usize = 100_000;
const USERS: usize = 200;
const TASKS: usize = 32;

/// A separate server on which only clients write WAL. It has no autovacuum (as every cluster of the tests), no
/// checkpoint by time and no background writer. It logs no snapshot of running transactions, which only replicas need.
///
/// With checksums, the default of PostgreSQL 18, a server logs a page whose hint bits a reader sets. So all tables,
/// including the catalogue, are frozen first, which leaves no bit to set.
const QUIET: &str = "\
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 1d
max_wal_size = 10GB
bgwriter_lru_maxpages = 0";

/// The traces of a write.
#[derive(Debug, Eq, PartialEq)]
struct Traces {
    wal: i64,
    updated: i64,
    dead: i64,
    /// `xmin` is the transaction that wrote the row, `xmax` the one that locked it or wrote the next version.
    rows: Option<String>,
}

impl Traces {
    /// Reads the traces while there is no other connection, because a session reports its counters at its end at the
    /// latest.
    async fn of(observer: &Pool) -> Self {
        let others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        until(observer, others, 0).await;
        Self {
            wal: observer
                .number("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
                .await,
            updated: observer.number(WRITTEN).await,
            dead: observer
                .number("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'profiles'")
                .await,
            rows: observer
                .text("SELECT string_agg(concat_ws(' ', clerk_id, ctid, xmin, xmax), ',' ORDER BY clerk_id) FROM profiles")
                .await,
        }
    }
}

const WRITTEN: &str =
    "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'profiles'";

/// Returns the traces once half an idle second has changed none.
async fn quiet(observer: &Pool) -> Traces {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut before = Traces::of(observer).await;
    loop {
        sleep(Duration::from_millis(500)).await;
        let traces = Traces::of(observer).await;
        if traces == before {
            return traces;
        }
        assert!(
            Instant::now() < deadline,
            "the server is not quiet: {before:?}, then {traces:?}"
        );
        before = traces;
    }
}

/// Waits until a statement returns this count.
async fn until(observer: &Pool, sql: &str, expected: i64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while observer.number(sql).await != expected {
        assert!(Instant::now() < deadline, "{sql}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Runs syncs of unchanged users.
async fn unchanged_syncs(profiles: &Arc<Profiles<AlwaysRead>>, sessions: &Arc<[Session]>, count: usize) {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (profiles, sessions, begun) = (Arc::clone(profiles), Arc::clone(sessions), Arc::clone(&begun));
        tasks.spawn(async move {
            loop {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let synced = profiles.users.sync_shared(&sessions[number % USERS]).await;
                assert_eq!(synced.expect("it syncs").outcome, Unchanged);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("each sync is unchanged");
    }
    profiles.pool.close().await;
}

/// Starts a process, and a session of each user.
async fn process(url: &str) -> (Profiles<AlwaysRead>, Vec<Session>) {
    let profiles = Profiles::<AlwaysRead>::always_read(Pool::open(url, 10).await).await;
    let mut sessions = Vec::new();
    for user in 0..USERS {
        sessions.push(profiles.session(token(&format!("user_{user}"), "Ada", 5)).await);
    }
    (profiles, sessions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unchanged_syncs_write_nothing() {
    let server = PrivateServer::start(QUIET).await;
    let url = server.url();
    let (profiles, sessions) = process(&url).await;
    for session in &sessions {
        let first = profiles.users.sync(session).await.expect("it syncs");
        assert_eq!(first.outcome, Inserted);
    }
    profiles.pool.close().await;
    drop(profiles);
    let observer = Pool::open(&url, 1).await;
    // Servers before PostgreSQL 15 update counters after the end of a session.
    let users = i64::try_from(USERS).expect("a count");
    until(&observer, WRITTEN, users).await;
    observer.execute("VACUUM (FREEZE)").await;
    observer.execute("CHECKPOINT").await;
    let before = quiet(&observer).await;

    // A listening process occasionally checks its connection; before that, it notifies itself.
    let (profiles, sessions) = process(&url).await;
    let listens = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT 1' AND state = 'idle'";
    until(&observer, listens, 1).await;
    let wal = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
    let begun = observer.number(wal).await;
    let (profiles, sessions) = (Arc::new(profiles), Arc::<[Session]>::from(sessions));
    unchanged_syncs(&profiles, &sessions, SYNCS).await;
    // The listener ends with the pool.
    let after = quiet(&observer).await;
    assert_eq!(after.wal, begun);
    assert_eq!(
        Traces {
            wal: before.wal,
            ..after
        },
        before
    );
    drop(profiles);

    // The traces of a real write are detected.
    let (profiles, _) = process(&url).await;
    let changed = profiles
        .sync(token("user_0", "Grace", 7))
        .await
        .expect("it syncs");
    assert_eq!(changed.outcome, Updated);
    profiles.pool.close().await;
    drop(profiles);
    until(&observer, WRITTEN, users + 1).await;
    let after = quiet(&observer).await;
    assert!(after.wal > before.wal, "{after:?}");
    assert_eq!((after.updated, after.dead), (before.updated + 1, before.dead + 1));
    assert_ne!(after.rows, before.rows);
}
