//! Tests of two processes on one database: after a write of one, the other does not serve its old copy.

use std::time::{Duration, Instant};

use clerk_auth::Session;
use clerk_auth::id::UserId;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{self, Cached, Unchanged};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::{Pool, Profile, Profiles, token};
use clerk_auth_tests::proxy::Proxy;
use tokio::time::sleep;

/// Waits until the process caches rows: until it receives notifications.
pub(crate) async fn wait_until_listening(profiles: &Profiles) {
    wait_until_cached(profiles, &profiles.session(token("user_probe", "Probe", 1)).await).await;
}

/// Waits until the process serves the row of a session from its cache. On a busy machine, a late heartbeat may
/// interrupt the cache.
async fn wait_until_cached(profiles: &Profiles, session: &Session) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while outcome(profiles, session).await != Cached {
        assert!(Instant::now() < deadline, "no row is kept");
        sleep(Duration::from_millis(2)).await;
    }
}

async fn outcome(profiles: &Profiles, session: &Session) -> SyncOutcome {
    profiles.users.sync(session).await.expect("it syncs").outcome
}

async fn name(profiles: &Profiles, session: &Session) -> Option<String> {
    profiles.users.sync(session).await.expect("it syncs").user.name
}

async fn email(profiles: &Profiles, session: &Session) -> Option<String> {
    profiles.users.sync(session).await.expect("it syncs").user.email
}

/// The clock of the tests stands still, so that only a notification ends a copy.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn update_through_one_process_is_seen_by_the_other_within_100_ms() {
    let database = TestDatabase::postgres().await;
    let (one, other) = (Profiles::start(&database).await, Profiles::start(&database).await);
    wait_until_listening(&one).await;
    wait_until_listening(&other).await;
    let old = other.session(token("user_ada", "Ada", 7)).await;
    assert_eq!(name(&other, &old).await.as_deref(), Some("Ada"));
    wait_until_cached(&other, &old).await;

    // A busy machine may delay any single update.
    let mut fastest = Duration::MAX;
    for version in 0..10 {
        let newer = format!("Grace {version}");
        one.sync(token("user_ada", &newer, 9 + version))
            .await
            .expect("it syncs");
        let written = Instant::now();
        while name(&other, &old).await.as_deref() != Some(&*newer) {
            assert!(written.elapsed() < PATIENCE, "the old row is served");
            sleep(Duration::from_millis(1)).await;
        }
        fastest = fastest.min(written.elapsed());
    }
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
}

#[tokio::test]
async fn invalidation_reaches_every_process() {
    let database = TestDatabase::postgres().await;
    let (one, other) = (Profiles::start(&database).await, Profiles::start(&database).await);
    wait_until_listening(&one).await;
    wait_until_listening(&other).await;
    let session = other.session(token("user_ada", "Ada", 7)).await;
    wait_until_cached(&other, &session).await;
    one.users
        .invalidate(&UserId::new("user_ada"))
        .await
        .expect("other processes are notified");
    let deadline = Instant::now() + PATIENCE;
    while outcome(&other, &session).await == Cached {
        assert!(Instant::now() < deadline, "the old row is served");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn released_value_is_seen_by_the_other_process() {
    let database = TestDatabase::postgres().await;
    let (one, other) = (Profiles::start(&database).await, Profiles::start(&database).await);
    let index = "CREATE UNIQUE INDEX profiles_email ON profiles (email)";
    one.pool.execute(index).await;
    wait_until_listening(&one).await;
    wait_until_listening(&other).await;
    let shared = |user, version| token(user, "Ada", version).claim("email", "shared@example.com");
    let holder = other.session(shared("user_bob", 7)).await;
    wait_until_cached(&other, &holder).await;
    one.sync(shared("user_ada", 9)).await.expect("it syncs");
    let deadline = Instant::now() + PATIENCE;
    while email(&other, &holder).await.is_some() {
        assert!(Instant::now() < deadline, "the old row is served");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn row_written_through_is_seen_by_the_other_process() {
    let database = TestDatabase::postgres().await;
    let (one, other) = (Profiles::start(&database).await, Profiles::start(&database).await);
    wait_until_listening(&one).await;
    wait_until_listening(&other).await;
    let session = other.session(token("user_ada", "Ada", 7)).await;
    wait_until_cached(&other, &session).await;
    let known = one.users.sync(&session).await.expect("it syncs").user;
    let write = async {
        let sql = "UPDATE profiles SET name = 'Written' WHERE clerk_id = 'user_ada'";
        one.pool.execute(sql).await;
        Ok::<_, SyncError>(Profile {
            name: Some("Written".to_owned()),
            ..known
        })
    };
    let id = UserId::new("user_ada");
    one.users.write_through(&id, write).await.expect("it is written");
    let deadline = Instant::now() + PATIENCE;
    while outcome(&other, &session).await == Cached {
        assert!(Instant::now() < deadline, "the old row is served");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn no_copy_is_served_without_the_listener() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 10).await;
    let (one, other) = (
        Profiles::start(&database).await,
        Profiles::start_on(through).await,
    );
    wait_until_listening(&other).await;
    let session = other.session(token("user_ada", "Ada", 7)).await;
    wait_until_cached(&other, &session).await;

    // Every connection drops, also the one that listens; then the network is back.
    proxy.cut().await;
    one.sync(token("user_ada", "Grace", 9)).await.expect("it syncs");
    proxy.restore();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let synced = other.users.sync(&session).await;
        if let Ok(synced) = &synced
            && synced.user.name.as_deref() == Some("Grace")
        {
            break;
        }
        assert!(
            !matches!(&synced, Ok(it) if it.outcome == Unchanged),
            "an old row was read: {synced:?}"
        );
        assert!(Instant::now() < deadline, "{synced:?}");
        sleep(Duration::from_millis(2)).await;
    }
    // The process listens again, and caches rows again.
    wait_until_listening(&other).await;
    wait_until_cached(&other, &session).await;
}

/// The listening task ends with its runtime.
#[test]
fn copy_is_not_served_after_the_listening_runtime_has_ended() {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime starts");
    let listening = runtime();
    let (database, profiles, session) = listening.block_on(async {
        let database = TestDatabase::postgres().await;
        let profiles = Profiles::start(&database).await;
        let session = profiles.session(token("user_ada", "Ada", 7)).await;
        wait_until_cached(&profiles, &session).await;
        (database, profiles, session)
    });
    listening.shutdown_timeout(Duration::from_secs(10));
    let synced = runtime().block_on(profiles.users.sync(&session));
    assert!(
        !matches!(&synced, Ok(synced) if synced.outcome == Cached),
        "{synced:?}"
    );
    drop(database);
}

#[tokio::test]
async fn copy_from_before_the_silence_is_not_served_after_it() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 10).await;
    let (one, other) = (
        Profiles::start(&database).await,
        Profiles::start_on(through).await,
    );
    wait_until_listening(&other).await;
    let session = other.session(token("user_ada", "Ada", 7)).await;
    wait_until_cached(&other, &session).await;
    let probe = other.session(token("user_probe", "Probe", 1)).await;
    proxy.cut().await;
    // On a busy machine, the process notices the loss of the connection a moment later.
    let deadline = Instant::now() + PATIENCE;
    while matches!(other.users.sync(&probe).await, Ok(it) if it.outcome == Cached) {
        assert!(Instant::now() < deadline, "the loss is not noticed");
        sleep(Duration::from_millis(2)).await;
    }
    one.sync(token("user_ada", "Grace", 9)).await.expect("it syncs");
    proxy.restore();
    // The process caches another user's row again; Ada's has not been requested meanwhile.
    let deadline = Instant::now() + PATIENCE;
    while !matches!(other.users.sync(&probe).await, Ok(it) if it.outcome == Cached) {
        assert!(Instant::now() < deadline, "no notification is received again");
        sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(name(&other, &session).await.as_deref(), Some("Grace"));
}

#[tokio::test]
async fn silently_dropped_connection_is_detected() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let through = Pool::open(&database.url_through(proxy.address()), 10).await;
    let other = Profiles::start_on(through).await;
    wait_until_listening(&other).await;
    let session = other.session(token("user_ada", "Ada", 7)).await;
    wait_until_cached(&other, &session).await;
    proxy.hold().await;
    // The time of a heartbeat and its answer, with a margin for a busy machine.
    let deadline = Instant::now() + Duration::from_secs(4);
    while other.users.sync(&session).await.is_ok() {
        assert!(
            Instant::now() < deadline,
            "a copy is served although nothing can be heard"
        );
        sleep(Duration::from_millis(20)).await;
    }
    proxy.restore();
    wait_until_listening(&other).await;
}
