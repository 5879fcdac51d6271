//! Tests sync on a cluster that fails over by itself, under load. `tests/on_patroni` runs these tests.

use std::time::{Duration, Instant};

use clerk_auth::sync::SyncOutcome::{Cached, Updated};
use clerk_auth_tests::load::{Load, accepts, confirms};
use clerk_auth_tests::patroni::{Patroni, Replication};
use clerk_auth_tests::profiles::{Pool, Profiles, token};

/// The leader is killed, switched over and cut off. With synchronous replication, no row is lost or reverted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_that_fails_over_loses_nothing() {
    let mut cluster = Patroni::start(Replication::Synchronous).await;
    let url = cluster.url();
    let (load, tasks) = Load::start(&url).await;

    load.more_answers().await;
    let killed = cluster.leader().await;
    cluster.kill(killed);
    let began = Instant::now();
    load.more_failures().await;
    cluster.leader_after(killed).await;
    report("killed", began, &load, &url).await;
    load.more_answers().await;
    cluster.revive(killed);
    cluster.settled().await;

    let old = cluster.leader().await;
    let began = Instant::now();
    cluster.switch_over(old).await;
    cluster.leader_after(old).await;
    report("switched over", began, &load, &url).await;
    load.more_answers().await;
    cluster.settled().await;

    let isolated = cluster.leader().await;
    let began = Instant::now();
    cluster.isolate(isolated).await;
    load.more_failures().await;
    cluster.leader_after(isolated).await;
    report("cut off", began, &load, &url).await;
    load.more_answers().await;
    cluster.rejoin(isolated);
    cluster.settled().await;

    load.more_answers().await;
    load.end(tasks).await;
}

async fn report(how: &str, began: Instant, load: &Load, url: &str) {
    let back = accepts(url).await;
    let away = back - began;
    load.is_back(back).await;
    println!(
        "leader {how}: {away:?} without a leader, answers {:?} later",
        back.elapsed()
    );
}

/// Notifications continue after a failover: a process drops its copy of a row that another process writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_listens_to_the_new_leader() {
    let cluster = Patroni::start(Replication::Synchronous).await;
    let url = cluster.url();
    let one = Profiles::start_on(Pool::open(&url, 3).await).await;
    let other = Profiles::start_on(Pool::open(&url, 3).await).await;
    let session = other.session(token("user_ada", "Ada", 7)).await;
    wait_until_cached(&other, &session).await;

    let old = cluster.leader().await;
    cluster.switch_over(old).await;
    cluster.leader_after(old).await;
    accepts(&url).await;
    wait_until_cached(&other, &session).await;
    wait_until_cached(&one, &one.session(token("user_ada", "Ada", 7)).await).await;
    one.sync(token("user_ada", "Grace", 9))
        .await
        .expect("the new leader writes");
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let synced = other.users.sync(&session).await.expect("it syncs");
        if synced.user.name.as_deref() == Some("Grace") {
            break;
        }
        assert!(Instant::now() < deadline, "the old row is served: {synced:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Without synchronous replication, a failover loses the writes that no standby has received. The next request restores
/// them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_restores_what_an_asynchronous_failover_lost() {
    let mut cluster = Patroni::start(Replication::Asynchronous).await;
    let url = cluster.url();
    let profiles = Profiles::start_on(Pool::open(&url, 3).await).await;
    profiles
        .sync(token("user_ada", "Ada", 7))
        .await
        .expect("the leader writes");
    cluster.settled().await;

    let old = cluster.leader().await;
    for standby in (0..3).filter(|node| *node != old) {
        // A running standby may still be behind.
        let has_replayed =
            "SELECT EXISTS (SELECT FROM profiles WHERE clerk_id = 'user_ada' AND name = 'Ada')";
        confirms(&cluster.url_of(standby), has_replayed).await;
    }
    let direct = Profiles::start_on(Pool::open(&cluster.url_of(old), 3).await).await;
    cluster.hold_replication(old).await;
    let written = direct
        .sync(token("user_ada", "Grace", 9))
        .await
        .expect("the leader writes");
    assert_eq!(written.outcome, Updated);
    cluster.kill(old);
    cluster.leader_after(old).await;
    // A new leader is connected a moment before its recovery ends, and refuses writes until then.
    confirms(&url, "SELECT NOT pg_is_in_recovery()").await;

    let name = "SELECT name FROM profiles WHERE clerk_id = 'user_ada'";
    let pool = Pool::open(&url, 1).await;
    assert_eq!(
        pool.text(name).await.as_deref(),
        Some("Ada"),
        "the write was not lost"
    );
    let again = profiles
        .sync(token("user_ada", "Grace", 9))
        .await
        .expect("the new leader writes");
    assert_eq!(again.outcome, Updated);
    assert_eq!(pool.text(name).await.as_deref(), Some("Grace"));
}

/// Waits until the process serves the row from its cache, so that it is connected and listens.
async fn wait_until_cached(profiles: &Profiles, session: &clerk_auth::Session) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(synced) = profiles.users.sync(session).await
            && synced.outcome == Cached
        {
            return;
        }
        assert!(Instant::now() < deadline, "no row is kept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
