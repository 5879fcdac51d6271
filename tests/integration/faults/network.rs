//! Faults under load: the network breaks, and PostgreSQL stops, is killed and restarts. The only allowed failure is
//! that the database cannot be used: no wrong row, no hang, no panic, no lost update. Requests succeed within a second
//! of the recovery.

use std::time::Instant;

use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::load::{Load, accepts};
use clerk_auth_tests::postgres::private::{End, PrivateServer};
use clerk_auth_tests::proxy::Proxy;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_network_under_load_loses_nothing() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let (load, tasks) = Load::start(&database.url_through(proxy.address())).await;
    for _ in 0..3 {
        load.more_answers().await;
        proxy.cut().await;
        load.more_failures().await;
        proxy.restore();
        load.is_back(Instant::now()).await;
    }
    load.more_answers().await;
    load.end(tasks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_network_under_load_loses_nothing() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let (load, tasks) = Load::start(&database.url_through(proxy.address())).await;
    for _ in 0..3 {
        load.more_answers().await;
        proxy.hold().await;
        load.more_failures().await;
        proxy.restore();
        load.is_back(Instant::now()).await;
    }
    load.more_answers().await;
    load.end(tasks).await;
}

/// Like a failover: every connection drops at once, and new ones are accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failover_under_load_loses_nothing() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let (load, tasks) = Load::start(&database.url_through(proxy.address())).await;
    for _ in 0..10 {
        load.more_answers().await;
        proxy.cut().await;
        proxy.restore();
        load.is_back(Instant::now()).await;
    }
    load.end(tasks).await;
}

async fn a_server_that_ends(end: End) {
    // Acknowledged writes have to survive, so commits are written before they are acknowledged. The machine itself does
    // not crash.
    let server = PrivateServer::start("synchronous_commit = on").await;
    let url = server.url();
    let (load, tasks) = Load::start(&url).await;
    for _ in 0..2 {
        load.more_answers().await;
        server.end(end).await;
        load.more_failures().await;
        let (back, ()) = tokio::join!(accepts(&url), server.restart());
        load.is_back(back).await;
    }
    load.more_answers().await;
    load.end(tasks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_server_under_load_loses_nothing() {
    a_server_that_ends(End::Fast).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashed_server_under_load_loses_nothing() {
    a_server_that_ends(End::Immediate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_postmaster_under_load_loses_nothing() {
    a_server_that_ends(End::Kill).await;
}
